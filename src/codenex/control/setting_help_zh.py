"""The words of :mod:`codenex.control.setting_help` in Simplified Chinese: what each setting is called and is for."""

# ruff: noqa: RUF001 - these are the signs of this language
from __future__ import annotations

from typing import Final

#: Group → its name.
GROUPS: Final = {
    "Server": "服务器",
    "Access": "访问",
    "Limits": "限制",
    "Routing": "路由",
    "Pools": "账户池",
    "Upstreams": "上游",
    "Stored responses": "保存的响应",
    "Files": "文件",
    "Observability": "可观测性",
    "Prompt log": "对话日志",
    "Demo": "演示",
    "Accounts": "账户",
    "Other": "其他",
}
#: Setting → what it is called, and what it is for.
HELP: Final = {
    "HOST": ("监听地址", "服务器监听的地址。"),
    "SERVER_PORT": ("监听端口", "服务器监听的端口。"),
    "UNIX_SOCKET": ("Unix 套接字", "同时为客户端提供服务的套接字路径。"),
    "WORKERS": ("工作进程数", "数据工作进程的数量；不填则每个处理器一个。"),
    "DRAIN_SECONDS": ("收尾时间", "进程被替换时，留给进行中请求的秒数。"),
    "TLS_CERTIFICATE": ("TLS 证书", "含证书和证书链的 PEM 文件；与密钥一起设置后，以 TLS 为客户端提供服务。"),
    "TLS_KEY": ("TLS 密钥", "证书密钥的 PEM 文件。"),
    "CORS_ORIGINS": ("跨域来源", "其页面可以调用客户端 API 的来源。"),
    "TRUSTED_PROXIES": ("受信任的代理", "反向代理的地址和网段，采信它们所报告的客户端地址。"),
    "ALLOWED_HOSTS": ("允许的主机名", "浏览器访问这些页面所用的名称；IP 地址和不含点的名称始终允许。"),
    "REQUIRED_API_KEY": ("客户端密钥", "所有客户端使用的密钥；不填则生成并写入文件。"),
    "REQUESTS_PER_MINUTE": ("每分钟请求数", "一个客户端密钥每分钟的请求数，所有工作进程合计；0 表示不限。"),
    "MAX_BODY_BYTES": ("请求正文上限", "一个请求正文的最大字节数。"),
    "FETCH_MEDIA": ("代为下载媒体", "目标无法自行按地址读取图片和其他文件时，由服务器代为下载。"),
    "BODY_BUDGET_BYTES": ("正文内存总量", "内存中所有正文合计可占用的字节数；超出时请求得到 503。"),
    "MODEL_PROVIDER": ("默认提供商", "没有其他依据时，请求使用的提供商类型。"),
    "modelAliases": ("模型别名", "客户端的模型名称及其所指：类型/模型，或另一个名称。"),
    "providerFallbackChain": ("提供商后备链", "某个提供商类型没有健康账户时，依次尝试的类型。"),
    "modelFallbackMapping": ("模型后备", "后备链之后，代替某个模型的提供商类型和模型。"),
    "EXPLICIT_FALLBACK": ("指定时也可后备", "客户端自己指定了提供商时，其他提供商是否可以代替。"),
    "modelFacts": ("模型资料", "对已知模型资料的更正。"),
    "STRICT": ("严格模式", "凡是转换会有所丢失的请求一律拒绝。"),
    "PROVIDER_POOLS_FILE_PATH": ("账户文件", "账户所在的文件；不填则为同一文件夹中的 provider_pools.json。"),
    "MAX_ERROR_COUNT": ("错误上限", "账户连续出错多少次后休息。"),
    "CREDENTIAL_SWITCH_MAX_RETRIES": ("换账户次数", "一个请求中尝试的账户数。"),
    "POOL_STRATEGY": ("选择策略", "如何从多个账户中选择一个。"),
    "poolStrategies": ("各类型的选择策略", "某个提供商类型自己的账户选择方式。"),
    "SESSION_AFFINITY_SECONDS": ("会话保持时间", "一个对话留在同一账户上的秒数；0 表示不保持。"),
    "HEALTH_CHECK_INTERVAL": ("健康检查间隔", "两次检查出错账户之间的秒数；0 表示仅由请求得知。"),
    "hedgeAfter": ("对冲等待", "某个提供商类型没有输出多少秒后，再询问第二个账户。"),
    "USE_SYSTEM_PROXY_GEMINI": ("Google 使用系统代理", "通过环境变量指定的代理向 Google 发送请求。"),
    "USE_SYSTEM_PROXY_OPENAI": ("OpenAI 使用系统代理", "通过环境变量指定的代理发送 OpenAI 各类型的请求。"),
    "USE_SYSTEM_PROXY_CLAUDE": ("Claude 使用系统代理", "通过环境变量指定的代理发送 Claude 各类型的请求。"),
    "UPSTREAM_CA_FILE": ("上游证书颁发机构", "含上游证书颁发机构的 PEM 文件，与系统的一并使用。"),
    "GEMINI_CLI_OAUTH_CLIENT_ID": (
        "Code Assist 的 OAuth 客户端",
        "您用于 Code Assist 的 OAuth 客户端；其重定向 URI 为 http://localhost:8085。",
    ),
    "GEMINI_CLI_OAUTH_CLIENT_SECRET": ("Code Assist 的客户端密码", "该客户端的密码。"),
    "GEMINI_ANTIGRAVITY_OAUTH_CLIENT_ID": (
        "Antigravity 的 OAuth 客户端",
        "您用于 Antigravity 的客户端；其重定向 URI 为 http://localhost:8086。",
    ),
    "GEMINI_ANTIGRAVITY_OAUTH_CLIENT_SECRET": ("Antigravity 的客户端密码", "该客户端的密码。"),
    "GEMINI_OAUTH_CREDS_FILE_PATH": (
        "Code Assist 登录文件",
        "含 Google 登录信息的文件，用于一个 gemini-cli-oauth 账户。",
    ),
    "GEMINI_OAUTH_CREDS_BASE64": ("Code Assist 登录内容", "这种文件的内容，以 base64 编码。"),
    "ANTIGRAVITY_OAUTH_CREDS_FILE_PATH": (
        "Antigravity 登录文件",
        "含 Google 登录信息的文件，用于一个 gemini-antigravity 账户。",
    ),
    "ANTIGRAVITY_OAUTH_CREDS_BASE64": ("Antigravity 登录内容", "这种文件的内容，以 base64 编码。"),
    "PROJECT_ID": ("Google Cloud 项目", "未自行指定项目的 Google 账户所用的 Google Cloud 项目。"),
    "OAUTH_BIND": ("回调监听地址", "登录进行期间监听回调的地址。"),
    "GOOGLE_OAUTH_AUTH_URL": ("Google 登录页", "用户在 Google 登录的页面。"),
    "GOOGLE_OAUTH_TOKEN_URL": ("Google 令牌地址", "Google 发放访问令牌的地址。"),
    "GOOGLE_USERINFO_URL": ("Google 用户信息地址", "Google 告知登录属于谁的地址。"),
    "CLAUDE_CODE_PATH": ("Claude Code 程序", "Claude Code 程序的路径；不填则使用 PATH 中的 claude。"),
    "CLAUDE_CODE_PROCESSES": ("Claude Code 进程数", "每个工作进程可同时运行的 Claude Code 程序数；更多请求需等待。"),
    "CLAUDE_CODE_SPARES": ("Claude Code 备用进程", "每个工作进程为与上次相同的请求预先启动的 Claude Code 程序数。"),
    "CLAUDE_CODE_TIMEOUT": ("Claude Code 时限", "一个 Claude Code 请求从开始到结束可用的秒数。"),
    "STORE_RESPONSES": ("保存响应", "保存 Responses API 的回答，使对话可以按 id 继续。"),
    "STORED_RESPONSES_HOURS": ("保存时长", "对话在最后一轮之后保留的小时数。"),
    "STORED_RESPONSES_BYTES": ("保存空间", "所有保存的响应可占用的磁盘字节数。"),
    "CONFIG_DIR": ("配置文件夹", "config.json 等文件所在的文件夹。"),
    "DATA_DIR": ("数据文件夹", "服务器自身数据所在的文件夹。"),
    "LOG_DIR": ("日志文件夹", "日志文件所在的文件夹。"),
    "CREDENTIALS_KEY_FILE": ("凭据加密密钥文件", "含密钥的文件；第一个密钥用于加密 Google 账户的凭据文件。"),
    "DATABASE_URL": ("数据库地址", "保存用量和会话的地方；不填则为 SQLite 文件。"),
    "LOG_FORMAT": ("日志格式", "日志行的样式：json，或便于人阅读的 console。"),
    "OTEL_EXPORTER_OTLP_ENDPOINT": ("OpenTelemetry 地址", "接收追踪和指标的 OpenTelemetry 收集器（HTTP）。"),
    "PROMPT_LOG_MODE": ("对话日志方式", "对话记录到哪里：none、console 或 file。密钥和媒体不会记录。"),
    "PROMPT_LOG_FILENAME": ("对话日志文件", "记录对话的文件；不填则为日志文件夹中的 conversation.log。"),
    "PROMPT_LOG_BYTES": ("对话日志空间", "所有对话文件可占用的磁盘字节数。"),
    "DEMO_FAULTS": ("演示故障", "让演示提供商模拟故障。"),
}
#: What a part of one account is called.
PARTS: Final = {"key": "密钥", "base URL": "基础地址"}


def of_account(part: str, types: list[str]) -> tuple[str, str]:
    """Return what a setting is called and is for that is a part of one account of some provider types."""
    return PARTS[part], f"一个账户的{PARTS[part]}：{'、'.join(types)}。"
