/** What to type or write where, for each client. As in `docs/clients.md` and `docs/examples`, which the tests run. */

export interface Snippet {
  /** A command for the terminal, or the content of a file. */
  place: "shell" | { file: string };
  text: string;
}

export interface Client {
  name: string;
  /** How it is installed, where it has to be. */
  install?: string;
  snippets: (server: string, key: string) => Snippet[];
}

const shell = (...lines: string[]): Snippet => ({ place: "shell", text: lines.join("\n") });
const file = (name: string, ...lines: string[]): Snippet => ({ place: { file: name }, text: lines.join("\n") });

export const CLIENTS: readonly Client[] = [
  {
    name: "cURL",
    snippets: (server, key) => [
      shell(
        `curl ${server}/v1/chat/completions \\`,
        `  -H "Authorization: Bearer ${key}" -H "Content-Type: application/json" \\`,
        `  -d '{"model": "auto", "messages": [{"role": "user", "content": "Hello"}]}'`,
      ),
    ],
  },
  {
    name: "Python",
    install: "pip install openai",
    snippets: (server, key) => [
      file(
        "ask.py",
        "from openai import OpenAI",
        "",
        `client = OpenAI(base_url="${server}/v1", api_key="${key}")`,
        "answer = client.chat.completions.create(",
        '    model="auto", messages=[{"role": "user", "content": "Hello"}]',
        ")",
        "print(answer.choices[0].message.content)",
      ),
    ],
  },
  {
    name: "Node.js",
    install: "npm install openai",
    snippets: (server, key) => [
      file(
        "ask.mjs",
        'import OpenAI from "openai";',
        "",
        `const client = new OpenAI({ baseURL: "${server}/v1", apiKey: "${key}" });`,
        "const answer = await client.chat.completions.create({",
        '  model: "auto",',
        '  messages: [{ role: "user", content: "Hello" }],',
        "});",
        "console.log(answer.choices[0].message.content);",
      ),
    ],
  },
  {
    name: "Claude Code",
    install: "npm install -g @anthropic-ai/claude-code",
    snippets: (server, key) => [
      shell(
        `export ANTHROPIC_BASE_URL=${server}`,
        `export ANTHROPIC_AUTH_TOKEN=${key}`,
        "export ANTHROPIC_MODEL=claude-opus-4-8",
        "export ANTHROPIC_DEFAULT_HAIKU_MODEL=claude-haiku-4-5",
        "claude",
      ),
    ],
  },
  {
    name: "Codex CLI",
    install: "npm install -g @openai/codex",
    snippets: (server, key) => [
      file(
        "~/.codex/config.toml",
        'model = "gpt-5.5"',
        'model_provider = "codenex"',
        "",
        "[model_providers.codenex]",
        'name = "CODENEX"',
        `base_url = "${server}/v1"`,
        'env_key = "CODENEX_API_KEY"',
        'wire_api = "responses"',
      ),
      shell(`export CODENEX_API_KEY=${key}`, "codex"),
    ],
  },
  {
    name: "Gemini CLI",
    install: "npm install -g @google/gemini-cli",
    snippets: (server, key) => [
      file("~/.gemini/settings.json", '{"security": {"auth": {"selectedType": "gemini-api-key"}}}'),
      shell(
        `export GOOGLE_GEMINI_BASE_URL=${server}`,
        `export GEMINI_API_KEY=${key}`,
        "export GEMINI_MODEL=gemini-3.1-pro-preview",
        "gemini",
      ),
    ],
  },
];
