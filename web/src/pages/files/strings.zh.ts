import type { Strings } from "#/language/strings";

import type { en } from "./strings.en";

export const zh: Strings<typeof en> = {
  text: "配置文件。显示和下载的内容中，机密信息均已遮盖。",
  downloadAll: "下载全部（ZIP）",
  search: "搜索",
  name: "文件",
  type: "种类",
  size: "大小",
  modified: "修改时间",
  use: "使用情况",
  used: "使用中",
  unused: "未使用",
  invalid: "已损坏",
  expires: "登录有效至",
  open: (path) => `打开 ${path}`,
  download: "下载",
  remove: "删除",
  removeTitle: (name) => `删除 ${name}？`,
  removeUsed: "有账户或设置引用此文件：删除后它们将无法工作。",
  removed: (name) => `${name} 已删除。`,
  stayed: (name) => `${name} 未能删除。`,
  removeUnbound: "删除未使用的凭据文件",
  removeUnboundText: "没有任何账户引用的凭据文件都会被删除。",
  removedMany: (count) => `已删除 ${count} 个文件。`,
  empty: "还没有文件",
  emptyText: "完成任意配置后，文件会显示在这里。",
  noMatch: "没有匹配的文件",
  content: "内容（机密已遮盖）",
};
