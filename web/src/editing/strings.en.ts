export const en = {
  title: "Somebody else has changed this meanwhile",
  text: "Nothing was saved, and nothing of yours is lost. Take their changes over, then save yours.",
  nothing: "Nothing that you can see here differs.",
  before: "Before",
  now: "Now",
  yours: "Yours",
  whose: (name: string) => `Which value of ${name}`,
  keepMine: "Mine",
  takeTheirs: "Theirs",
  none: "none",
  take: "Take over",
  gone: "Somebody else has deleted this meanwhile",
};
