/** The language in use: what was chosen in this browser, else what the browser prefers. */

import { createContext, use, useCallback, useEffect, useMemo, useState, type ReactNode } from "react";

export const LANGUAGES = { en: "English", zh: "简体中文" } as const;
export type Language = keyof typeof LANGUAGES;

const LOCALES: Record<Language, string> = { en: "en", zh: "zh-CN" };
const TAGS: Record<Language, string> = { en: "en", zh: "zh-Hans" };
const KEPT = "codenex.language";

interface Choice {
  language: Language;
  /** For `Intl`: English keeps the browser's own regional form. */
  locale: string;
  choose: (language: Language) => void;
}

const Context = createContext<Choice | null>(null);

export function LanguageProvider({ children }: { children: ReactNode }) {
  const [language, setLanguage] = useState<Language>(initial);
  useEffect(() => {
    document.documentElement.lang = TAGS[language];
  }, [language]);
  const choose = useCallback((chosen: Language) => {
    setLanguage(chosen);
    try {
      localStorage.setItem(KEPT, chosen);
    } catch {
      // Without storage the choice holds for this page.
    }
  }, []);
  const value = useMemo(() => ({ language, locale: localeOf(language), choose }), [language, choose]);
  return <Context value={value}>{children}</Context>;
}

export function useLanguage(): Choice {
  const choice = use(Context);
  if (choice === null) throw new Error("useLanguage outside of LanguageProvider");
  return choice;
}

function initial(): Language {
  try {
    const kept = localStorage.getItem(KEPT);
    if (kept === "en" || kept === "zh") return kept;
  } catch {
    // No storage: the browser's preference.
  }
  for (const tag of navigator.languages) {
    if (tag.toLowerCase().startsWith("zh")) return "zh";
    if (tag.toLowerCase().startsWith("en")) return "en";
  }
  return "en";
}

function localeOf(language: Language): string {
  return navigator.languages.find((tag) => tag.toLowerCase().startsWith(language)) ?? LOCALES[language];
}
