/** What everything stands in: look, language, queries, addresses, and the session. */

import { localStorageColorSchemeManager, MantineProvider } from "@mantine/core";
import { Notifications } from "@mantine/notifications";
import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { useState } from "react";
import { Router } from "wouter";

import { BASE } from "#/api/place";
import { Problem } from "#/api/problem";
import { Entrance } from "#/entrance/entrance";
import { LanguageProvider } from "#/language/language";
import { Boundary } from "#/shell/boundary";
import { NONCE } from "#/theme/nonce";
import { readable, theme } from "#/theme/theme";

const colorScheme = localStorageColorSchemeManager({ key: "codenex.appearance" });

export function Application() {
  const [queries] = useState(newQueries);
  return (
    <MantineProvider
      theme={theme}
      cssVariablesResolver={readable}
      defaultColorScheme="auto"
      colorSchemeManager={colorScheme}
      getStyleNonce={() => NONCE}
    >
      <LanguageProvider>
        <Notifications position="bottom-right" autoClose={6000} />
        <QueryClientProvider client={queries}>
          <Router base={BASE}>
            <Boundary>
              <Entrance />
            </Boundary>
          </Router>
        </QueryClientProvider>
      </LanguageProvider>
    </MantineProvider>
  );
}

function newQueries(): QueryClient {
  return new QueryClient({
    defaultOptions: {
      queries: {
        staleTime: 5000,
        // What the server refuses it refuses again; what it could not answer now it may answer in a moment.
        retry: (count, error) => count < 2 && (!(error instanceof Problem) || error.status === 0 || error.status >= 500),
        retryDelay: (count) => 400 * 2 ** count,
      },
    },
  });
}
