// Written by `make web-types` from the server's OpenAPI document. Don't edit.

/** One checked account. */
export interface AccountChecked {
  success: boolean;
  providerType: string;
  uuid: string;
  healthy: boolean | null;
  modelName: string | null;
  message: string;
  isAuthError: boolean;
}

/** How many accounts there are; `resting` ones are in use and not called at this moment. */
export interface AccountCounts {
  total: number;
  healthy: number;
  resting: number;
  disabled: number;
}

/** One account. */
export interface AccountNamed {
  providerType: string;
  uuid: string;
}

/** One account. `usage` is the quota that its provider tells; `null` where it tells none. */
export interface AccountUsage {
  uuid: string;
  name: string | null;
  configFilePath?: string | null;
  isHealthy: boolean;
  isDisabled: boolean;
  success: boolean;
  error: string | null;
  usage: Record<string, unknown> | null;
  requests: Requests;
}

/** What goes on at this moment, in all processes together. */
export interface Active {
  workers: number;
  requests: number;
  connections: number;
}

/** That the management API answers; `timestamp` in milliseconds since 1970. */
export interface Alive {
  status: string;
  timestamp: number;
}

/** Every named key. */
export interface AllKeys {
  keys: KeyShown[];
}

/** Accounts by provider type, and the types that can be added to. */
export interface AllProviders {
  providers: Record<string, Record<string, unknown>[]>;
  supportedProviders: string[];
}

/** Every provider type that has accounts. */
export interface AllUsage {
  timestamp: string;
  fromCache: boolean;
  serverTime: string;
  providers: Record<string, TypeUsage>;
}

/** Where the answer is waited for. `warning` is to be shown before the page is opened. */
export interface AuthInfo {
  provider: string;
  redirectUri: string;
  port: number;
  saveToConfigs: boolean;
  providerDir: string;
  warning: string | null;
}

/** What was asked and what was answered; an answer that isn't there is still going on, or was lost. */
export interface Bodies {
  prompt: Body | null;
  answer: Body | null;
}

/** A prompt or an answer as the log has it, without secrets and media. `content` is JSON, or the text of a stream; `cut` says that there is more of it, `at` is in seconds since 1970. */
export interface Body {
  at: number;
  content: unknown;
  cut: boolean;
  status?: number | null;
  error?: string | null;
}

/** Dollars in each UTC day or month. */
export interface Budget {
  amount: number;
  period?: "day" | "month";
}

/** Dollars in each UTC day or month, as the file has them. */
export interface BudgetShown {
  amount: number;
  period: "day" | "month";
}

/** What is to be done with which accounts. */
export interface Bulk {
  action: "enable" | "disable" | "delete";
  accounts: AccountNamed[];
}

/** What was done, and what could not be; `undo` is the way back from a deletion. */
export interface BulkDone {
  success: boolean;
  message: string;
  doneCount: number;
  done: AccountNamed[];
  failed: BulkFailure[];
  undo?: Undo | null;
}

/** An account that was left as it is, and why. */
export interface BulkFailure {
  providerType: string;
  uuid: string;
  message: string;
}

/** The address that the browser was sent to and could not open. It is read, never fetched. */
export interface Callback {
  provider: string;
  callbackUrl: string;
}

/** One checked account. `success` is `null` where its upstream was not to be asked. */
export interface CheckResult {
  uuid: string;
  success: boolean | null;
  modelName: string | null;
  message: string;
  isAuthError: boolean;
}

/** What a change has done, or would do. `overruled` are changed settings that something else goes before; `atStart` are those that are in use only after a new start. */
export interface ConfigChanged {
  success: boolean;
  message: string;
  details: string;
  dryRun: boolean;
  changes: FieldChanged[];
  overruled: Record<string, string>;
  atStart: string[];
}

/** A period up to now in steps of `step` seconds, its sums, and this moment. `requestsPerMinute` is that of the last five minutes; `byProvider` and `byModel` have the most used first; `errors` are the latest ones. */
export interface Dashboard {
  since: number;
  until: number;
  step: number;
  series: Point[];
  total: UsageSum | null;
  byProvider: UsageSum[];
  byModel: UsageSum[];
  requestsPerMinute: number;
  active: Active;
  accounts: AccountCounts;
  errors: RequestShown[];
  problems: string[];
}

/** Fields that are tried in place of the stored ones; a masked value means the stored one. */
export interface Detection {
  providerConfig?: Record<string, unknown> | null;
}

/** It is done. */
export interface Done {
  success: boolean;
  message: string;
}

/** What went wrong. */
export interface Error {
  message: string;
  type: string;
  code: string | null;
  status: number;
  details: ErrorDetail[];
}

/** The body of every error. */
export interface ErrorAnswer {
  error: Error;
}

/** One of several mistakes. */
export interface ErrorDetail {
  place: string | null;
  message: string;
}

/** A field of the file before and after, masked; `null` where it is not there. */
export interface FieldChanged {
  name: string;
  before: unknown;
  after: unknown;
}

/** The text of a file, with its secrets masked. */
export interface FileContent {
  path: string;
  name: string;
  content: string;
  size: number;
  modified: string;
}

/** The file that is there no more; `undo` is the way back. */
export interface FileRemoved {
  success: boolean;
  message: string;
  filePath: string;
  undo?: Undo | null;
}

/** One file; `preview` is the beginning of what may be seen of it. */
export interface FileShown {
  name: string;
  path: string;
  size: number;
  type: string;
  provider: string | null;
  extension: string;
  modified: string;
  expiresAt: string | null;
  isValid: boolean;
  errorMessage: string | null;
  isUsed: boolean;
  usageInfo: UsageInfo;
  preview: string;
}

/** Where an uploaded file is. */
export interface FileUploaded {
  success: boolean;
  message: string;
  filePath: string;
  originalName: string;
  provider: string;
}

/** Files that are there no more, and those that could not be removed. */
export interface FilesRemoved {
  success: boolean;
  message: string;
  deletedCount: number;
  deletedFiles: string[];
  failedCount: number;
  failedFiles: string[];
  undo?: Undo | null;
}

/** How many accounts were resting, of how many. */
export interface HealthReset {
  success: boolean;
  message: string;
  resetCount: number;
  totalCount: number;
  providerType: string;
}

/** A key after a change. */
export interface KeyChanged {
  success: boolean;
  key: KeyShown;
}

/** A key, for this once. */
export interface KeyMade {
  success: boolean;
  key: string;
  entry: KeyShown;
}

/** The key is there no more; `undo` is the way back. */
export interface KeyRemoved {
  success: boolean;
  undo?: Undo | null;
}

/** A key with its limits, without itself; `spent` are dollars in the current period of its budget. */
export interface KeyShown {
  id: string;
  name: string;
  disabled: boolean;
  created?: unknown;
  expires?: string | null;
  models?: string[] | null;
  providers?: string[] | null;
  requestsPerMinute?: number | null;
  tokensPerMinute?: number | null;
  budget?: BudgetShown | null;
  spent?: number | null;
  [name: string]: unknown;
}

/** The latest requests; `next` is the `before` of the next page. */
export interface LatestRequests {
  requests: RequestShown[];
  next: string | null;
}

/** What a key may do; what is not said stays as it is, `null` removes a limit. A name can't be removed. */
export interface Limits {
  name?: string;
  disabled?: boolean | null;
  expires?: string | null;
  models?: string[] | null;
  providers?: string[] | null;
  requestsPerMinute?: number | null;
  tokensPerMinute?: number | null;
  budget?: Budget | null;
}

/** What became of one file. */
export interface LinkResult {
  filePath: string;
  success: boolean;
  message: string;
  providerType?: string | null;
  uuid?: string | null;
}

/** What became of all files. */
export interface Linked {
  success: boolean;
  message: string;
  successCount: number;
  failCount: number;
  results: LinkResult[];
}

/** One file, or several. */
export interface Links {
  filePath?: string | null;
  filePaths?: string[] | null;
}

/** The page to open. */
export interface LoginBegun {
  success: boolean;
  authUrl: string;
  authInfo: AuthInfo;
}

/** What became of it. */
export interface LoginEnded {
  success: boolean;
  message: string;
}

/** What older clients send; a login is always kept below the configuration's folder, at the port of its type. */
export interface LoginOptions {
  port?: number | null;
  saveToConfigs?: boolean;
  providerDir?: string | null;
}

/** The admin password. */
export interface LoginRequest {
  password: string;
}

/** What does not survive. `action` is dropped, adapted or approximated. */
export interface Loss {
  path: string;
  action: string;
  reason: string;
}

/** One thing that did not survive the translation; `path` names it in the terms of its source protocol. */
export interface LossShown {
  path: string;
  action: string;
  reason: string;
}

/** What one process holds. */
export interface Memory {
  pid: number;
  bytes: number;
}

/** What an account's upstream lists, and what is chosen of it. */
export interface ModelsDetected {
  success: boolean;
  providerType: string;
  uuid: string;
  count: number;
  models: string[];
  selectedModels: string[];
}

/** The models of one provider type. */
export interface ModelsOfType {
  providerType: string;
  models: string[];
}

/** A key to be made. */
export interface NewKey {
  name: string;
  disabled?: boolean | null;
  expires?: string | null;
  models?: string[] | null;
  providers?: string[] | null;
  requestsPerMinute?: number | null;
  tokensPerMinute?: number | null;
  budget?: Budget | null;
}

/** An account to be added. */
export interface NewProvider {
  providerConfig: Record<string, unknown>;
  providerType: string;
}

/** Nobody can restart this server from here. */
export interface NoRestart {
  success: boolean;
  message: string;
  mode: string;
  hint: string;
}

/** One account, and the server's time. */
export interface OneUsage {
  uuid: string;
  name: string | null;
  configFilePath?: string | null;
  isHealthy: boolean;
  isDisabled: boolean;
  success: boolean;
  error: string | null;
  usage: Record<string, unknown> | null;
  requests: Requests;
  serverTime: string;
}

/** The old password and the new one. */
export interface PasswordChange {
  current: string;
  password: string;
}

/** Milliseconds. */
export interface Percentiles {
  p50: number;
  p95: number;
  p99: number;
}

/** The requests of one step, which begins at `at` (seconds since 1970); `cost` in dollars. */
export interface Point {
  at: number;
  requests: number;
  errors: number;
  cost?: number | null;
  inputTokens: number;
  outputTokens: number;
  latencyMs?: Percentiles | null;
  firstOutputMs?: Percentiles | null;
}

/** One account. */
export interface PoolItem {
  uuid: string;
  customName: string | null;
  isHealthy: boolean;
  isDisabled: boolean;
  lastErrorTime: string | null;
  lastErrorMessage: string | null;
  needsRefresh: boolean;
  identify: string;
  provider: string;
}

/** All accounts, flat and by provider type; `summaryHealth` is false where too many of them are unhealthy. */
export interface PoolReport {
  timestamp: string;
  items: PoolItem[];
  count: number;
  unhealthyCount: number;
  unhealthyRatio: number;
  unhealthySummeryMessage: string;
  summaryHealth: boolean;
  providers: Record<string, Record<string, unknown>[]>;
}

/** One process. `age` and `cpuSeconds` are in seconds; `requests` and `connections` are those of now, `dropped` reports that its queue could not take; `report` is all that it tells of itself. */
export interface ProcessShown {
  role: string;
  pid: number;
  slot?: number | null;
  state: string;
  age: number;
  version?: string | null;
  memoryBytes?: number | null;
  cpuSeconds?: number | null;
  requests?: number | null;
  connections?: number | null;
  dropped?: number | null;
  report: Record<string, unknown>;
}

/** One account after a change. */
export interface ProviderChanged {
  success: boolean;
  message: string;
  provider: Record<string, unknown>;
  providerType: string;
}

/** Fields of an account, as `provider_pools.json` has them. A masked value keeps what is stored; `null` removes a field. */
export interface ProviderConfig {
  providerConfig: Record<string, unknown>;
}

/** The account that is there no more. */
export interface ProviderRemoved {
  success: boolean;
  message: string;
  deletedProvider: Record<string, unknown>;
  undo?: Undo | null;
}

/** The accounts of one type. */
export interface ProvidersOfType {
  providerType: string;
  providers: Record<string, unknown>[];
  totalCount: number;
  healthyCount: number;
}

/** Whether the files could be used; `message` says what is wrong with them. */
export interface ReloadAnswer {
  success: boolean;
  message: string;
  details: ReloadDetails;
}

/** Which files were read, and the number of the settings in use. */
export interface ReloadDetails {
  configReloaded: boolean;
  configPath: string;
  providerPoolsPath: string;
  revision: number;
}

/** An account that is there no more. */
export interface RemovedAccount {
  uuid: string;
  customName: string | null;
}

/** One request. `at` is when it ended, in seconds since 1970, times are in milliseconds, `cost` in dollars; `attempts` is how many calls of accounts it took, `losses` what its translation lost. Tokens that nobody counted and prices that nobody knows are `null`. */
export interface RequestShown {
  request_id: string;
  at: number;
  status: number;
  duration_ms: number;
  complete: boolean;
  first_output_ms: number | null;
  key: string | null;
  protocol: string | null;
  path: string | null;
  provider: string | null;
  account: string | null;
  model: string | null;
  finish: string | null;
  error: string | null;
  attempts: number;
  losses: number;
  bytes_in: number;
  bytes_out: number;
  input_uncached: number | null;
  input_cache_read: number | null;
  input_cache_write: number | null;
  input_tool: number | null;
  output_text: number | null;
  output_reasoning: number | null;
  cost: number | null;
}

/** One request, what happened in it in order of time, and what its translation lost. */
export interface RequestTold {
  request: RequestShown;
  timeline: Step[];
  lost: LossShown[];
}

/** Requests of the last 30 days; `lastUsed` is when the latest one was. */
export interface Requests {
  total: number;
  success: number;
  error: number;
  inputTokens: number;
  outputTokens: number;
  cost?: number | null;
  lastUsed?: string | null;
  byModel: Record<string, number>;
}

/** Who restarts. */
export interface RestartDetails {
  workerPid: number;
  restartMethod: string;
}

/** Every process is being replaced. */
export interface Restarted {
  success: boolean;
  message: string;
  mode: string;
  details: RestartDetails;
}

/** The last good copy is in its place; what was there is in `setAside`, beside it. */
export interface Restored {
  success: boolean;
  message: string;
  setAside: string;
  problems: string[];
}

/** How this server runs. There is no control port and no Node. */
export interface ServiceMode {
  mode: string;
  pid: number;
  ppid: number;
  uptime: number;
  canAutoRestart: boolean;
  platform: string;
  masterPort?: null;
  nodeVersion?: null;
}

/** A session's token, for `Authorization: Bearer`; browsers get it as a cookie besides. `expiresIn` is in seconds. */
export interface SessionAnswer {
  success: boolean;
  token: string;
  expiresIn: number;
}

/** One session; `current` is the one that asks. */
export interface SessionShown {
  id: string;
  began: string;
  lastUsed: string;
  expires: string;
  current: boolean;
}

/** How many sessions ended. */
export interface SessionsEnded {
  success: boolean;
  ended: number;
}

/** One setting. `source` is `command line`, `environment`, `file` or `default`; `place` a file, where it stands in one; `stored` is what `config.json` says. */
export interface SettingExplained {
  value: unknown;
  default: unknown;
  source: string;
  place: string | null;
  stored: unknown;
}

/** All settings with where they come from, and the file's fields that this version does not know. */
export interface SettingsExplained {
  settings: Record<string, SettingExplained>;
  unknown: Record<string, unknown>;
  problems: string[];
}

/** Every setting under its name, unknown fields of the file too; secrets are masked. `problems` is what is wrong with the files. */
export interface SettingsShown {
  isDefaultPassword: boolean;
  problems: string[];
  [name: string]: unknown;
}

/** The one-time token and the password to begin with. */
export interface SetupRequest {
  token: string;
  password: string;
}

/** Whether a password has still to be set. */
export interface SetupState {
  required: boolean;
}

/** Something that happened in a request, `ms` milliseconds after it was received. An `attempt` is the call of an account, which ended at `endMs`: `error` is the kind of its fault, `status` what the upstream answered then. `done` has what the client got. */
export interface Step {
  event: "received" | "attempt" | "first_output" | "done";
  ms: number;
  endMs?: number | null;
  provider?: string | null;
  account?: string | null;
  model?: string | null;
  error?: string | null;
  status?: number | null;
}

/** Version, resources and processes. `problems` is what is wrong with the configuration's files, `settled` whether no process is being replaced; `versions` are those of what this server is made of, `database` is the kind of its database. */
export interface System {
  appVersion: string;
  pythonVersion: string;
  serverTime: string;
  memoryUsage: string;
  cpuUsage: string;
  uptime: number;
  mode: string;
  processes: ProcessShown[];
  settled: boolean;
  memory: Memory[];
  problems: string[];
  versions: Record<string, string>;
  database: string | null;
}

/** Credentials in any shape in which programs keep them, or refresh tokens alone. */
export interface Tokens {
  providerType?: string;
  tokens: (Record<string, unknown> | string)[];
  skipDuplicateCheck?: boolean;
}

/** The request in the hub's form, and a translation for each target. */
export interface TranslateAnswer {
  source: string;
  model: string;
  hub: Record<string, unknown>;
  translations: TranslationShown[];
}

/** `from` is the protocol of `body`; `to` a provider type, a protocol, several of them, or nothing for all four protocols; `model` replaces the body's (Gemini's bodies have none). */
export interface TranslateRequest {
  from: string;
  to?: string | string[] | null;
  model?: string | null;
  body: Record<string, unknown>;
}

/** Why a target can't have the request, as the client would be told. */
export interface TranslationRefusal {
  status: number;
  message: string;
  param: string | null;
  code: string | null;
}

/** What one target would get; `body` is `null` where it would get nothing. */
export interface TranslationShown {
  provider: string;
  protocol: string;
  lane: string;
  model: string;
  url: string;
  body: unknown;
  losses: Loss[];
  refusal: TranslationRefusal | null;
}

/** All checked accounts of a type. */
export interface TypeChecked {
  success: boolean;
  message: string;
  successCount: number;
  failCount: number;
  totalCount: number;
  results: CheckResult[];
}

/** The accounts of one provider type. `successCount` and `errorCount` are accounts. */
export interface TypeUsage {
  providerType: string;
  totalCount: number;
  successCount: number;
  errorCount: number;
  requests: Requests;
  instances: AccountUsage[];
  fromCache: boolean;
  cachedAt?: string | null;
  serverTime: string;
}

/** The way back from a deletion: `POST /api/undo/{id}`, once, for as many `seconds`. */
export interface Undo {
  id: string;
  seconds: number;
}

/** What is there again, and what isn't, with the reasons. */
export interface Undone {
  success: boolean;
  message: string;
  restored: string[];
  skipped: string[];
}

/** The accounts that failed and are there no more. */
export interface UnhealthyRemoved {
  success: boolean;
  message: string;
  deletedCount: number;
  remainingCount: number;
  deletedProviders: RemovedAccount[];
  undo?: Undo | null;
}

/** Who names a file. */
export interface UsageInfo {
  isUsed: boolean;
  usageType: string | null;
  usageDetails: Use[];
}

/** Sums of a period. Moments are in seconds since 1970. */
export interface UsageStatistics {
  by: "provider" | "account" | "model" | "key" | "protocol" | "status" | "error" | "hour" | "day";
  since: number;
  until: number;
  rows: UsageSum[];
  total: UsageSum | null;
}

/** Requests of one name, or of all; `cost` in dollars, `lastUsed` in seconds since 1970. */
export interface UsageSum {
  name?: string | number | null;
  requests: number;
  errors: number;
  successRate: number;
  cost: number | null;
  inputTokens: number;
  outputTokens: number;
  cachedTokens: number;
  reasoningTokens: number;
  lastUsed: number | null;
  latencyMs: Percentiles | null;
  firstOutputMs: Percentiles | null;
}

/** One account that names a file. */
export interface Use {
  type: string;
  location: string;
  providerType: string;
  providerIndex: number;
  configKey: string;
  uuid: unknown;
}

/** One account under its new uuid. */
export interface UuidRenewed {
  success: boolean;
  message: string;
  oldUuid: string;
  newUuid: string;
}

/** The file to be restored. */
export interface WhichFile {
  file: "config.json" | "provider_pools.json" | "client_keys.json";
}

export interface Operations {
  /** Change the admin password; every session ends. */
  "POST /api/admin-password": { path: Record<string, never>; query: Record<string, never>; body: PasswordChange; answer: Done };
  /** The keys with their limits and what they have spent; never the keys themselves. */
  "GET /api/client-keys": { path: Record<string, never>; query: Record<string, never>; body: undefined; answer: AllKeys };
  /** Make a key. It is in this answer and nowhere else. */
  "POST /api/client-keys": { path: Record<string, never>; query: Record<string, never>; body: NewKey; answer: KeyMade };
  /** Remove a key, so that it opens nothing any more. `undo` is the way back, for a minute. */
  "DELETE /api/client-keys/{key_id}": { path: { key_id: string }; query: Record<string, never>; body: undefined; answer: KeyRemoved };
  /** Change a key's limits. */
  "PUT /api/client-keys/{key_id}": { path: { key_id: string }; query: Record<string, never>; body: Limits; answer: KeyChanged };
  /** Give a key a new secret, with the limits of the old one, which opens nothing any more. */
  "POST /api/client-keys/{key_id}/replace": { path: { key_id: string }; query: Record<string, never>; body: undefined; answer: KeyMade };
  /** The settings in use; secrets are masked. `ETag` is the revision of `config.json`. */
  "GET /api/config": { path: Record<string, never>; query: { explain?: boolean }; body: undefined; answer: SettingsExplained | SettingsShown };
  /** Change settings in `config.json`; the others stay as they are, also those that this version does not know. What is written is in use when this answers. */
  "POST /api/config": { path: Record<string, never>; query: { dry_run?: boolean }; body: Record<string, unknown>; answer: ConfigChanged };
  /** Put the last good copy in the place of a file that can't be used, so that it can be changed again. Nothing is lost: what was there is kept beside it. A file that can be used is left alone (409). */
  "POST /api/config/restore": { path: Record<string, never>; query: Record<string, never>; body: WhichFile; answer: Restored };
  /** The JSON schema of `config.json`, with help texts, defaults and groups, for forms. */
  "GET /api/config/schema": { path: Record<string, never>; query: Record<string, never>; body: undefined; answer: Record<string, unknown> };
  /** How requests went in the last hours, what goes on now, and what went wrong last. */
  "GET /api/dashboard": { path: Record<string, never>; query: { hours?: number }; body: undefined; answer: Dashboard };
  /** Everything that happens, as server-sent events; with `Last-Event-ID` what came after it as well. */
  "GET /api/events": { path: Record<string, never>; query: Record<string, never>; body: undefined; answer: unknown };
  /** Make accounts of many credentials; how far it is comes as events. */
  "POST /api/gemini/batch-import-tokens": { path: Record<string, never>; query: Record<string, never>; body: Tokens; answer: unknown };
  /** Whether the management API answers. */
  "GET /api/health": { path: Record<string, never>; query: Record<string, never>; body: undefined; answer: Alive };
  /** Log in with the admin password. */
  "POST /api/login": { path: Record<string, never>; query: Record<string, never>; body: LoginRequest; answer: SessionAnswer };
  /** End this session. */
  "POST /api/logout": { path: Record<string, never>; query: Record<string, never>; body: undefined; answer: Done };
  /** End a login with a pasted address, where the browser runs on another machine than the server. */
  "POST /api/oauth/manual-callback": { path: Record<string, never>; query: Record<string, never>; body: Callback; answer: LoginEnded };
  /** The models of every provider type that has accounts, asked of the upstreams where no list is configured. */
  "GET /api/provider-models": { path: Record<string, never>; query: Record<string, never>; body: undefined; answer: Record<string, string[]> };
  /** The models of one provider type. */
  "GET /api/provider-models/{provider_type}": { path: { provider_type: string }; query: Record<string, never>; body: undefined; answer: ModelsOfType };
  /** The accounts by provider type; secrets are masked. `ETag` is the revision of the file. */
  "GET /api/providers": { path: Record<string, never>; query: Record<string, never>; body: undefined; answer: AllProviders };
  /** Add an account. It is in use when this answers. */
  "POST /api/providers": { path: Record<string, never>; query: Record<string, never>; body: NewProvider; answer: ProviderChanged };
  /** Switch or delete many accounts in one change of the file. What can't be done is told beside what was. */
  "POST /api/providers/bulk": { path: Record<string, never>; query: Record<string, never>; body: Bulk; answer: BulkDone };
  /** The provider types that accounts can be added to. */
  "GET /api/providers/supported": { path: Record<string, never>; query: Record<string, never>; body: undefined; answer: string[] };
  /** The accounts of one type; secrets are masked. */
  "GET /api/providers/{provider_type}": { path: { provider_type: string }; query: Record<string, never>; body: undefined; answer: ProvidersOfType };
  /** Remove the accounts of a type that rest because of errors. Those of the environment stay. */
  "DELETE /api/providers/{provider_type}/delete-unhealthy": { path: { provider_type: string }; query: Record<string, never>; body: undefined; answer: UnhealthyRemoved };
  /** Begin a login. Its answer is waited for during ten minutes; another login of the type takes its place. */
  "POST /api/providers/{provider_type}/generate-auth-url": { path: { provider_type: string }; query: Record<string, never>; body: LoginOptions | null; answer: LoginBegun };
  /** Ask every account of a type that is in use, but those with `checkHealth: false`; each gets 15 seconds. */
  "POST /api/providers/{provider_type}/health-check": { path: { provider_type: string }; query: Record<string, never>; body: undefined; answer: TypeChecked };
  /** Forget every rest of a type's accounts, so that requests go to them at once. */
  "POST /api/providers/{provider_type}/reset-health": { path: { provider_type: string }; query: Record<string, never>; body: undefined; answer: HealthReset };
  /** Remove an account. `undo` is the way back, for a minute. */
  "DELETE /api/providers/{provider_type}/{uuid}": { path: { provider_type: string; uuid: string }; query: Record<string, never>; body: undefined; answer: ProviderRemoved };
  /** Change fields of an account; the others stay as they are, also those that this version does not know. */
  "PUT /api/providers/{provider_type}/{uuid}": { path: { provider_type: string; uuid: string }; query: Record<string, never>; body: ProviderConfig; answer: ProviderChanged };
  /** The models that an account's upstream lists, with fields that may not be stored yet. */
  "POST /api/providers/{provider_type}/{uuid}/detect-models": { path: { provider_type: string; uuid: string }; query: Record<string, never>; body: Detection | null; answer: ModelsDetected };
  /** Let no more requests go to an account; those in progress end in peace. */
  "POST /api/providers/{provider_type}/{uuid}/disable": { path: { provider_type: string; uuid: string }; query: Record<string, never>; body: undefined; answer: ProviderChanged };
  /** Let requests go to an account again. */
  "POST /api/providers/{provider_type}/{uuid}/enable": { path: { provider_type: string; uuid: string }; query: Record<string, never>; body: undefined; answer: ProviderChanged };
  /** Ask one account, whatever its state; it gets 15 seconds. */
  "POST /api/providers/{provider_type}/{uuid}/health-check": { path: { provider_type: string; uuid: string }; query: Record<string, never>; body: undefined; answer: AccountChecked };
  /** Give an account another uuid, so that it begins without a history. */
  "POST /api/providers/{provider_type}/{uuid}/refresh-uuid": { path: { provider_type: string; uuid: string }; query: Record<string, never>; body: undefined; answer: UuidRenewed };
  /** Make an account of each credential file; its folder says of which provider type. */
  "POST /api/quick-link-provider": { path: Record<string, never>; query: Record<string, never>; body: Links; answer: Linked };
  /** Read the configuration's files again; where one can't be used, the last good one stays in use. */
  "POST /api/reload-config": { path: Record<string, never>; query: Record<string, never>; body: undefined; answer: ReloadAnswer };
  /** The latest requests that reached a provider or should have, newest first. `before` goes on from an earlier answer. `search` looks for a text in ids, names, errors and paths of the latest 100,000. As CSV it is all of them, at most 100,000. */
  "GET /api/requests": { path: Record<string, never>; query: { limit?: number; before?: string | null; since?: number | null; until?: number | null; provider?: string | null; account?: string | null; model?: string | null; key?: string | null; protocol?: string | null; error?: string | null; status?: string | null; search?: string | null; format?: "json" | "csv" }; body: undefined; answer: LatestRequests };
  /** What happened in one request: when it was received, which accounts were called and how that ended, its first output, its end. */
  "GET /api/requests/{request_id}": { path: { request_id: string }; query: Record<string, never>; body: undefined; answer: RequestTold };
  /** What the client asked and was answered, from the prompt log; secrets are masked. 404 where that log is off, goes to the console, or has nothing of this request any more. */
  "GET /api/requests/{request_id}/bodies": { path: { request_id: string }; query: Record<string, never>; body: undefined; answer: Bodies };
  /** Replace every process; requests in progress end in peace. */
  "POST /api/restart-service": { path: Record<string, never>; query: Record<string, never>; body: undefined; answer: Restarted };
  /** How this server runs. */
  "GET /api/service-mode": { path: Record<string, never>; query: Record<string, never>; body: undefined; answer: ServiceMode };
  /** End every session but the one that asks. */
  "DELETE /api/sessions": { path: Record<string, never>; query: Record<string, never>; body: undefined; answer: SessionsEnded };
  /** The open sessions, the latest first. */
  "GET /api/sessions": { path: Record<string, never>; query: Record<string, never>; body: undefined; answer: SessionShown[] };
  /** End one session. */
  "DELETE /api/sessions/{session_id}": { path: { session_id: string }; query: Record<string, never>; body: undefined; answer: SessionsEnded };
  /** Whether a password has still to be set. */
  "GET /api/setup": { path: Record<string, never>; query: Record<string, never>; body: undefined; answer: SetupState };
  /** Exchange the setup token for the admin password. */
  "POST /api/setup": { path: Record<string, never>; query: Record<string, never>; body: SetupRequest; answer: SessionAnswer };
  /** Version, memory, processor use and every process of this server. */
  "GET /api/system": { path: Record<string, never>; query: Record<string, never>; body: undefined; answer: System };
  /** The kept requests, a JSON object on each line, newest first: who asked for what, where it went, what became of it. Nothing of their content is in it. */
  "GET /api/system/download-log": { path: Record<string, never>; query: Record<string, never>; body: undefined; answer: unknown };
  /** Show what would be sent for a request of a client, and what would be lost. Nothing is sent. */
  "POST /api/translate": { path: Record<string, never>; query: Record<string, never>; body: TranslateRequest; answer: TranslateAnswer };
  /** Take a deletion back, within a minute and once. 404 where that is over, 409 where something else has taken the place. */
  "POST /api/undo/{undo_id}": { path: { undo_id: string }; query: Record<string, never>; body: undefined; answer: Undone };
  /** The files below the configuration's folder, without links and hidden ones. */
  "GET /api/upload-configs": { path: Record<string, never>; query: Record<string, never>; body: undefined; answer: FileShown[] };
  /** Remove the credential files that no account names. */
  "DELETE /api/upload-configs/delete-unbound": { path: Record<string, never>; query: Record<string, never>; body: undefined; answer: FilesRemoved };
  /** Remove one file. The server's own files and those that an account names stay. `undo` is the way back, for a minute. */
  "DELETE /api/upload-configs/delete/{path}": { path: { path: string }; query: { force?: boolean }; body: undefined; answer: FileRemoved };
  /** A ZIP of all files. Secrets are masked, and files that are nothing else are left out, which a note in it tells. */
  "GET /api/upload-configs/download-all": { path: Record<string, never>; query: Record<string, never>; body: undefined; answer: unknown };
  /** One file, with its secrets masked. */
  "GET /api/upload-configs/download/{path}": { path: { path: string }; query: Record<string, never>; body: undefined; answer: unknown };
  /** The text of one file, with its secrets masked. */
  "GET /api/upload-configs/view/{path}": { path: { path: string }; query: Record<string, never>; body: undefined; answer: FileContent };
  /** Upload a file with credentials of a Google type. `POST /api/quick-link-provider` makes an account of it. */
  "POST /api/upload-oauth-credentials": { path: Record<string, never>; query: Record<string, never>; body: FormData; answer: FileUploaded };
  /** Requests, tokens, health and quotas of every account. Google is asked for its accounts' quotas every five minutes at most, with `refresh` at once; other providers tell them with their answers. */
  "GET /api/usage": { path: Record<string, never>; query: { refresh?: boolean }; body: undefined; answer: AllUsage };
  /** Requests, errors, tokens, cost and times of a period (by default the last 30 days), told apart by one thing. Moments are seconds since 1970; costs are US dollars, `null` where no price is known. */
  "GET /api/usage-statistics": { path: Record<string, never>; query: { by?: "provider" | "account" | "model" | "key" | "protocol" | "status" | "error" | "hour" | "day"; since?: number | null; until?: number | null; provider?: string | null; account?: string | null; model?: string | null; key?: string | null; protocol?: string | null; format?: "json" | "csv" }; body: undefined; answer: UsageStatistics };
  /** The provider types whose usage is told. */
  "GET /api/usage/supported-providers": { path: Record<string, never>; query: Record<string, never>; body: undefined; answer: string[] };
  /** The accounts of one provider type. */
  "GET /api/usage/{provider_type}": { path: { provider_type: string }; query: { refresh?: boolean }; body: undefined; answer: TypeUsage };
  /** One account. */
  "GET /api/usage/{provider_type}/{uuid}": { path: { provider_type: string; uuid: string }; query: { refresh?: boolean }; body: undefined; answer: OneUsage };
  /** The same, requests and processes for Prometheus. */
  "GET /metrics": { path: Record<string, never>; query: Record<string, never>; body: undefined; answer: unknown };
  /** How the accounts are. A client key of this server gets the same. */
  "GET /provider_health": { path: Record<string, never>; query: { provider?: string | null; customName?: string | null; unhealthRatioThreshold?: number }; body: undefined; answer: PoolReport };
}
