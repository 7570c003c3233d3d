/** Catches what breaks while a page is shown, and says so in words. */

import { Button, Group } from "@mantine/core";
import { Component, type ReactNode } from "react";

import { useStrings } from "#/language/strings";
import { Empty } from "#/pieces/empty";

import { strings } from "./strings";

interface Props {
  children: ReactNode;
}

interface State {
  error: Error | null;
}

export class Boundary extends Component<Props, State> {
  override state: State = { error: null };

  static getDerivedStateFromError(error: unknown): State {
    return { error: error instanceof Error ? error : new Error(String(error)) };
  }

  override render(): ReactNode {
    const { error } = this.state;
    if (error === null) return this.props.children;
    return <Crashed error={error} onRetry={() => this.setState({ error: null })} />;
  }
}

function Crashed({ error, onRetry }: { error: Error; onRetry: () => void }) {
  const t = useStrings(strings);
  return (
    <Empty role="alert" title={t.crashed} text={t.crashedHelp} detail={error.message}>
      <Group justify="center">
        <Button onClick={onRetry}>{t.tryAgain}</Button>
        <Button variant="default" onClick={() => location.reload()}>
          {t.reload}
        </Button>
      </Group>
    </Empty>
  );
}
