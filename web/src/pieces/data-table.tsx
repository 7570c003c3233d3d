/** A table of any length: only the rows in view are in the document, so that 100,000 of them don't stall it. */

import { useMediaQuery } from "@mantine/hooks";
import { useVirtualizer } from "@tanstack/react-virtual";
import { useEffect, useMemo, useRef, useState, type ReactNode } from "react";

import { useStrings } from "#/language/strings";

import classes from "./data-table.module.css";
import { Empty } from "./empty";
import { strings } from "./strings";

export interface Column<T> {
  key: string;
  header: string;
  /** What is shown in place of the header. */
  head?: ReactNode;
  /** A CSS grid track whose least width is in pixels: "120px", "minmax(160px, 2fr)". */
  width: string;
  cell: (row: T) => ReactNode;
  align?: "right";
  /** What rows are put in order by; without it the column can't be chosen for that. */
  order?: (row: T) => string | number | null;
  /** Whether it is left out on narrow screens. */
  wideOnly?: boolean;
}

interface Props<T> {
  /** What the table holds, for those who don't see it. */
  label: string;
  columns: readonly Column<T>[];
  rows: readonly T[];
  rowKey: (row: T) => string;
  /** The greatest height, in pixels or as CSS. */
  height?: number | string;
  rowHeight?: number;
  selected?: string | null;
  /** A click on a row does this as well; give the keyboard a button in one of the cells. */
  onRowClick?: (row: T) => void;
  empty?: ReactNode;
  /** Called when the last rows come into view. */
  onEnd?: () => void;
}

interface Sorting {
  key: string;
  down: boolean;
}

export function DataTable<T>({
  label, columns, rows, rowKey, height = "min(70vh, 720px)", rowHeight = 42, selected, onRowClick, empty, onEnd,
}: Props<T>) {
  const t = useStrings(strings);
  const narrow = useMediaQuery("(max-width: 48em)") ?? false;
  const shown = useMemo(() => columns.filter((column) => !(narrow && column.wideOnly === true)), [columns, narrow]);
  const [sorting, setSorting] = useState<Sorting | null>(null);
  const ordered = useMemo(() => inOrder(rows, columns, sorting), [rows, columns, sorting]);
  const frame = useRef<HTMLDivElement>(null);
  const virtual = useVirtualizer({
    count: ordered.length,
    getScrollElement: () => frame.current,
    estimateSize: () => rowHeight,
    overscan: 12,
    getItemKey: (index) => rowKey(ordered[index] as T),
  });
  const items = virtual.getVirtualItems();
  const last = items.at(-1)?.index ?? 0;
  useEffect(() => {
    if (ordered.length > 0 && last >= ordered.length - 1) onEnd?.();
  }, [last, ordered.length, onEnd]);
  // No column gets narrower than it says; the frame scrolls instead.
  const least = shown.reduce((sum, column) => sum + (Number.parseFloat(column.width.replace("minmax(", "")) || 0), 0);
  const tracks = { gridTemplateColumns: shown.map((column) => column.width).join(" ") };
  if (rows.length === 0) return empty ?? <Empty title={t.nothing} />;
  return (
    <div ref={frame} className={classes.frame} style={{ maxHeight: height }} tabIndex={0} role="region" aria-label={label}>
      <div className={classes.inner} style={{ minWidth: least }} role="table" aria-label={label} aria-rowcount={ordered.length + 1}>
        <div role="rowgroup" className={classes.head}>
          <div role="row" aria-rowindex={1} className={classes.row} style={tracks}>
            {shown.map((column) => (
              <Head key={column.key} column={column} sorting={sorting} onSort={setSorting} />
            ))}
          </div>
        </div>
        <div role="rowgroup" className={classes.body} style={{ height: virtual.getTotalSize() }}>
          {items.map((item) => {
            const row = ordered[item.index] as T;
            const key = rowKey(row);
            return (
              // The keyboard has a button in one of the cells instead.
              // oxlint-disable-next-line jsx-a11y/click-events-have-key-events
              <div
                key={key}
                role="row"
                aria-rowindex={item.index + 2}
                className={classes.row}
                data-selected={selected === key || undefined}
                data-clickable={onRowClick !== undefined || undefined}
                style={{ ...tracks, height: item.size, transform: `translateY(${item.start}px)` }}
                onClick={onRowClick === undefined ? undefined : () => onRowClick(row)}
              >
                {shown.map((column) => (
                  <div key={column.key} role="cell" className={`${classes.cell} app-clip`} data-align={column.align}>
                    {column.cell(row)}
                  </div>
                ))}
              </div>
            );
          })}
        </div>
      </div>
    </div>
  );
}

interface HeadProps<T> {
  column: Column<T>;
  sorting: Sorting | null;
  onSort: (sorting: Sorting | null) => void;
}

function Head<T>({ column, sorting, onSort }: HeadProps<T>) {
  const t = useStrings(strings);
  const mine = sorting?.key === column.key ? sorting : null;
  const state = mine === null ? undefined : mine.down ? "descending" : "ascending";
  return (
    <div role="columnheader" aria-sort={state} className={`${classes.cell} app-clip`} data-align={column.align}>
      {column.order === undefined ? (
        (column.head ?? column.header)
      ) : (
        <button
          type="button"
          className={classes.sort}
          title={t.sortBy(column.header)}
          onClick={() => onSort(mine === null ? { key: column.key, down: false } : mine.down ? null : { ...mine, down: true })}
        >
          {column.header}
          <span aria-hidden>{mine === null ? "" : mine.down ? " ↓" : " ↑"}</span>
        </button>
      )}
    </div>
  );
}

function inOrder<T>(rows: readonly T[], columns: readonly Column<T>[], sorting: Sorting | null): readonly T[] {
  const order = columns.find((column) => column.key === sorting?.key)?.order;
  if (sorting === null || order === undefined) return rows;
  const sign = sorting.down ? -1 : 1;
  const compare = new Intl.Collator(undefined, { numeric: true }).compare;
  // What is unknown comes last, whichever way.
  return rows
    .map((row) => ({ row, value: order(row) }))
    .toSorted((a, b) => {
      if (a.value === null || b.value === null) return a.value === b.value ? 0 : a.value === null ? 1 : -1;
      if (typeof a.value === "number" && typeof b.value === "number") return sign * (a.value - b.value);
      return sign * compare(String(a.value), String(b.value));
    })
    .map(({ row }) => row);
}
