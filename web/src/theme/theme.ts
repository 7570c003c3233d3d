/** How everything looks. Colours are chosen so that every text has a contrast of 4.5 to 1 at least, in light and in dark. */

import {
  Anchor,
  Badge,
  Button,
  createTheme,
  Paper,
  Table,
  Tooltip,
  type CSSVariablesResolver,
  type MantineColorsTuple,
} from "@mantine/core";

const ink: MantineColorsTuple = [
  "#eef2ff", "#dfe5fb", "#bcc8f3", "#97a9ec", "#788fe6", "#647ee2", "#4f6bdc", "#3c57c4", "#334bb0", "#263f9c",
];

/** Lists of choices scroll by themselves: what scrolls around a list would have to be a stop of the keyboard, and is none. */
const list = { defaultProps: { withScrollArea: false }, styles: { options: { maxHeight: 240, overflowY: "auto" } } } as const;

export const theme = createTheme({
  primaryColor: "ink",
  primaryShade: { light: 7, dark: 7 },
  colors: { ink },
  defaultRadius: "md",
  fontFamily:
    'system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "Noto Sans CJK SC", "PingFang SC", "Microsoft YaHei", sans-serif',
  fontFamilyMonospace: 'ui-monospace, SFMono-Regular, Menlo, Consolas, "Liberation Mono", monospace',
  headings: { fontWeight: "650" },
  cursorType: "pointer",
  components: {
    // By their names alone, so that only pages load them.
    Autocomplete: list,
    MultiSelect: list,
    Select: list,
    TagsInput: list,
    Anchor: Anchor.extend({ defaultProps: { underline: "always" } }),
    Badge: Badge.extend({ defaultProps: { variant: "light", tt: "none", fw: 600 } }),
    Button: Button.extend({ defaultProps: { loaderProps: { type: "dots" } } }),
    Paper: Paper.extend({ defaultProps: { withBorder: true, p: "md" } }),
    Table: Table.extend({ defaultProps: { verticalSpacing: "xs" } }),
    Tooltip: Tooltip.extend({ defaultProps: { withArrow: true, events: { hover: true, focus: true, touch: true } } }),
  },
});

const HUES = ["red", "pink", "grape", "violet", "indigo", "blue", "cyan", "teal", "green", "lime", "yellow", "orange"];

/** Mantine's own shades of text on tints are too pale to be read by everybody. */
export const readable: CSSVariablesResolver = () => {
  const light: Record<string, string> = {
    "--mantine-color-dimmed": "#555d66",
    "--mantine-color-error": "#b42318",
    "--mantine-color-placeholder": "#6b7280",
    "--mantine-color-anchor": "var(--mantine-color-ink-7)",
    "--mantine-color-body": "#ffffff",
    "--app-canvas": "#f6f7f9",
    "--app-line": "#e3e6ea",
    "--app-grid": "#e9ecef",
  };
  const dark: Record<string, string> = {
    "--mantine-color-dimmed": "#a3abb5",
    "--mantine-color-error": "#ff8a80",
    "--mantine-color-placeholder": "#8b939e",
    "--mantine-color-anchor": "var(--mantine-color-ink-3)",
    "--mantine-color-body": "#1b1e23",
    "--mantine-color-text": "#d8dce2",
    "--app-canvas": "#14161a",
    "--app-line": "#2c3038",
    "--app-grid": "#2c3038",
  };
  const inks: Record<string, readonly [string, string]> = {
    ink: ["#2d44a3", "#b7c4f5"],
    gray: ["#454d56", "#c3c9d1"],
    red: ["#a61b1b", "#ffa8a8"],
    pink: ["#a01a4b", "#faa2c1"],
    grape: ["#7b1f93", "#e599f7"],
    violet: ["#5a32c4", "#b9a5fa"],
    indigo: ["#2f4bb8", "#a5b8ff"],
    blue: ["#10599e", "#8cc8fa"],
    cyan: ["#095d6e", "#79dbec"],
    teal: ["#06614a", "#72e0bb"],
    green: ["#1a642a", "#90e0a0"],
    lime: ["#456010", "#c5ec86"],
    yellow: ["#785003", "#ffdc73"],
    orange: ["#91400a", "#ffbd85"],
  };
  for (const hue of ["ink", "gray", ...HUES]) {
    const [onLight, onDark] = inks[hue] ?? ["#000", "#fff"];
    for (const kind of ["light-color", "text", "outline"]) {
      light[`--mantine-color-${hue}-${kind}`] = onLight;
      dark[`--mantine-color-${hue}-${kind}`] = onDark;
    }
  }
  return { variables: {}, light, dark };
};

/** Lines and areas of charts, in order; told apart in light and dark, and by those who see few colours. */
export const SERIES = [
  "var(--app-series-1)",
  "var(--app-series-2)",
  "var(--app-series-3)",
  "var(--app-series-4)",
  "var(--app-series-5)",
  "var(--app-series-6)",
] as const;
