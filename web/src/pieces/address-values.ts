/** What the address of a page says behind its "?", so that a view can be sent to somebody and survives a reload. */

import { useSearchParams } from "wouter";

/** The values, and how one is changed: null or "" takes it away. The browser's way back leaves the page, not each letter. */
export function useAddressValues(): [URLSearchParams, (name: string, value: string | null) => void] {
  const [values, setValues] = useSearchParams();
  const change = (name: string, value: string | null) =>
    setValues(
      (before) => {
        if (value === null || value === "") before.delete(name);
        else before.set(name, value);
        return before;
      },
      { replace: true },
    );
  return [values, change];
}
