import type { Strings } from "#/language/strings";

import type { en } from "./strings.en";

export const zh: Strings<typeof en> = {
  title: "期间有其他人修改了此内容",
  text: "尚未保存，你的内容没有丢失。先采纳对方的修改，再保存你的修改。",
  nothing: "此处可见的内容没有差异。",
  before: "修改前",
  now: "当前",
  yours: "你的",
  whose: (name) => `${name} 采用哪个值`,
  keepMine: "我的",
  takeTheirs: "对方的",
  none: "无",
  take: "采纳",
  gone: "期间有其他人删除了此内容",
};
