// Asks one gateway several times through an official SDK, and tells by a line of JSON for each how its stream ended.
// Arguments: protocol, address, model, number of requests. The key is in the environment.
import Anthropic from "@anthropic-ai/sdk";
import { ApiError, GoogleGenAI } from "@google/genai";
import OpenAI from "openai";

const [protocol, url, model, count] = process.argv.slice(2);
const key = process.env.CODENEX_API_KEY;
const text = "What is the matter?";

async function drain(stream) {
  for await (const event of stream) void event;
}

const openai = () => new OpenAI({ baseURL: `${url}/v1`, apiKey: key, maxRetries: 0 });
const anthropic = () => new Anthropic({ baseURL: url, apiKey: key, maxRetries: 0 });
const google = () => new GoogleGenAI({ apiKey: key, httpOptions: { baseUrl: url } });

const asking = {
  openai_chat: async () => {
    const messages = [{ role: "user", content: text }];
    await drain(await openai().chat.completions.create({ model, messages, stream: true }));
  },
  openai_responses: async () => {
    // This helper hands a failed response out like a good one: its error is what tells the caller.
    const response = await openai().responses.stream({ model, input: text }).finalResponse();
    if (response.status === "failed") throw new OpenAI.APIError(undefined, response.error, undefined, undefined);
  },
  anthropic: async () => {
    const messages = [{ role: "user", content: text }];
    await anthropic().messages.stream({ model, max_tokens: 4000, messages }).finalMessage();
  },
  gemini: async () => {
    await drain(await google().models.generateContentStream({ model, contents: text }));
  },
};
const typed = {
  openai_chat: OpenAI.APIError,
  openai_responses: OpenAI.APIError,
  anthropic: Anthropic.APIError,
  gemini: ApiError,
};

for (let number = 0; number < Number(count); number++) {
  const began = performance.now();
  const outcome = { typed: false, name: null, message: null };
  try {
    await asking[protocol]();
  } catch (error) {
    outcome.typed = error instanceof typed[protocol];
    outcome.name = error.constructor.name;
    outcome.message = String(error.message).slice(0, 200);
  }
  outcome.seconds = (performance.now() - began) / 1000;
  console.log(JSON.stringify(outcome));
}
