import type { Strings } from "#/language/strings";

import type { en } from "./strings.en";

export const zh: Strings<typeof en> = {
  text: "服务器上实时发生的事件。服务器保留最近 1,000 条。",
  filter: "搜索",
  filterPlaceholder: "任意字段中的文字",
  kind: "类型",
  allKinds: "所有类型",
  connection: { connecting: "连接中…", open: "已连接", waiting: "已中断" },
  pause: "暂停",
  resume: "继续",
  pausedNew: (count) => `暂停后新增 ${count} 条`,
  time: "时间",
  name: "类型",
  what: "发生了什么",
  details: "详情",
  showDetails: (name) => `${name} 的详情`,
  empty: "还没有事件",
  emptyText: "配置变更、登录、账户休息和重启都会显示在这里。",
  unknownText: "服务器恢复应答后，事件会显示在这里。",
  noMatch: "没有匹配的事件",
  names: {
    config_update: "配置",
    provider_update: "账户",
    oauth_success: "登录成功",
    oauth_error: "登录失败",
    service_restart: "重启",
    account_quota: "配额",
  },
};
