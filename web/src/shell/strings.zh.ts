import type { Strings } from "#/language/strings";

import type { en } from "./strings.en";

export const zh: Strings<typeof en> = {
  product: "CODENEX",
  skip: "跳到正文",
  navigation: "页面",
  openNavigation: "打开导航",
  closeNavigation: "关闭导航",
  groups: { observe: "观测", route: "路由", connect: "接入", system: "系统" },
  pages: {
    dashboard: "仪表盘",
    requests: "请求",
    usage: "用量",
    providers: "提供商",
    keys: "客户端密钥",
    playground: "试验场",
    start: "快速开始",
    configuration: "配置",
    files: "文件",
    events: "事件",
    system: "系统",
  },
  appearance: { label: "外观", light: "浅色", dark: "深色", auto: "跟随系统" },
  language: "语言",
  logOut: "退出登录",
  notFound: "没有这个页面",
  notFoundHelp: "地址可能已过期或输入有误。",
  toDashboard: "前往仪表盘",
  crashed: "此页面出错了",
  crashedHelp: "服务器上没有任何改动。请重试，或重新加载页面。",
  tryAgain: "重试",
  reload: "重新加载",
  loading: "加载中…",
  disconnected: "与服务器的连接已中断，正在重试…",
  tooOften: "尝试次数过多，请稍后再试。",
};
