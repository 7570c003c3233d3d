import type { Strings } from "#/language/strings";

import type { en } from "./strings.en";

export const zh: Strings<typeof en> = {
  setupTitle: "设置此网关",
  setupText: "尚未设置密码。服务器启动时打印了一次性设置令牌，并在 configs/setup_token 中保留 24 小时。",
  token: "设置令牌",
  tokenHelp: "找不到了？请在服务器上查看文件 configs/setup_token，或重启服务器以获取新令牌。",
  newPassword: "设置密码",
  passwordHelp: (shortest) => `至少 ${shortest} 个字符。一句话比谜语更好记。`,
  repeat: "再次输入密码",
  different: "两次输入的密码不一致。",
  tooShort: (shortest) => `至少需要 ${shortest} 个字符。`,
  setUp: "保存密码",
  loginTitle: "登录",
  password: "密码",
  logIn: "登录",
  expired: "会话已结束。请重新登录，即可继续之前的操作。",
  forgotten: "忘记密码？在服务器上运行 “codenex reset-password” 重新设置。",
  starting: "服务器尚未响应",
  tryAgain: "重试",
};
