/** Texts in all languages. A page keeps them beside it: `strings.en.ts` and `strings.zh.ts`. A text that is missing in
 * one language is a type error. */

import { useLanguage } from "#/language/language";

/** The same texts in another language: texts for texts, functions for functions. */
export type Strings<T> = {
  readonly [K in keyof T]: T[K] extends string
    ? string
    : T[K] extends (...values: infer A) => string
      ? (...values: A) => string
      : Strings<T[K]>;
};

export interface Dictionary<T> {
  en: T;
  zh: Strings<T>;
}

/** The texts of a dictionary in the language in use. */
export function useStrings<T>(dictionary: Dictionary<T>): Strings<T> {
  const { language } = useLanguage();
  return dictionary[language] as Strings<T>;
}

/** The same outside of components, at this moment. */
export function stringsNow<T>(dictionary: Dictionary<T>): Strings<T> {
  return (document.documentElement.lang.startsWith("zh") ? dictionary.zh : dictionary.en) as Strings<T>;
}
