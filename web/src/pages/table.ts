/** The pages: one row for each. `name` is its address below `ui/`, its folder here, and its text in the navigation. */

import {
  IconActivity,
  IconAdjustments,
  IconChartBar,
  IconFiles,
  IconKey,
  IconLayoutDashboard,
  IconList,
  IconMessage2Code,
  IconPlugConnected,
  IconRocket,
  IconServer2,
  type Icon,
} from "@tabler/icons-react";
import type { ComponentType } from "react";

export type Group = "observe" | "route" | "connect" | "system";

export interface PageRow {
  name: string;
  group: Group;
  icon: Icon;
  /** Loaded when it is first opened. */
  load: () => Promise<{ default: ComponentType }>;
}

export const PAGES = [
  { name: "dashboard", group: "observe", icon: IconLayoutDashboard, load: () => import("#/pages/dashboard/page") },
  { name: "requests", group: "observe", icon: IconList, load: () => import("#/pages/requests/page") },
  { name: "usage", group: "observe", icon: IconChartBar, load: () => import("#/pages/usage/page") },
  { name: "providers", group: "route", icon: IconPlugConnected, load: () => import("#/pages/providers/page") },
  { name: "keys", group: "route", icon: IconKey, load: () => import("#/pages/keys/page") },
  { name: "playground", group: "connect", icon: IconMessage2Code, load: () => import("#/pages/playground/page") },
  { name: "start", group: "connect", icon: IconRocket, load: () => import("#/pages/start/page") },
  { name: "configuration", group: "system", icon: IconAdjustments, load: () => import("#/pages/configuration/page") },
  { name: "files", group: "system", icon: IconFiles, load: () => import("#/pages/files/page") },
  { name: "events", group: "system", icon: IconActivity, load: () => import("#/pages/events/page") },
  { name: "system", group: "system", icon: IconServer2, load: () => import("#/pages/system/page") },
] as const satisfies readonly PageRow[];

export type PageName = (typeof PAGES)[number]["name"];

/** The page that is shown where none is named. */
export const FIRST: PageName = "dashboard";
