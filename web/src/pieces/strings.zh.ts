import type { Strings } from "#/language/strings";

import type { en } from "./strings.en";

export const zh: Strings<typeof en> = {
  failed: "操作未成功",
  unreachable: "无法连接服务器。",
  requestId: "请求编号",
  tryAgain: "重试",
  tryAgainIn: (seconds) => `请在 ${seconds} 秒后重试。`,
  loading: "加载中…",
  copy: "复制",
  copied: "已复制",
  cancel: "取消",
  close: "关闭",
  typeToConfirm: (word) => `输入“${word}”以确认`,
  rows: (count) => `${count} 行`,
  nothing: "暂无内容",
  sortBy: (column) => `按${column}排序`,
  technical: "详情",
  undo: "撤销",
  restored: (name) => `${name} 已恢复。`,
  restoredMany: (count) => `已恢复 ${count} 个。`,
  notRestored: (count) => `${count} 个未能恢复：`,
  stop: "停止",
  reveal: "显示输入内容",
};
