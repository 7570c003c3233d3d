/** Asks before something that can't be taken back. `const [confirmation, ask] = useConfirmation()`; put `confirmation` into the
 * page, and call `ask({…})`. */

import { Button, Group, Stack, Text, TextInput } from "@mantine/core";
import { useCallback, useState, type ReactNode } from "react";

import { useStrings } from "#/language/strings";

import { Dialogue } from "./dialogue";
import { Failure } from "./failure";
import { strings } from "./strings";

export interface Question {
  title: string;
  text: ReactNode;
  /** What the button says: the deed itself, such as "Delete". */
  action: string;
  /** A word that has to be typed first. */
  word?: string;
  danger?: boolean;
  run: () => Promise<unknown>;
}

export function useConfirmation(): [ReactNode, (question: Question) => void] {
  const [question, setQuestion] = useState<Question | null>(null);
  const ask = useCallback((asked: Question) => setQuestion(asked), []);
  return [question !== null && <Asking question={question} onEnd={() => setQuestion(null)} />, ask];
}

function Asking({ question, onEnd }: { question: Question; onEnd: () => void }) {
  const t = useStrings(strings);
  const [typed, setTyped] = useState("");
  const [running, setRunning] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const run = async () => {
    setRunning(true);
    setError(null);
    try {
      await question.run();
      onEnd();
    } catch (problem) {
      setError(problem);
      setRunning(false);
    }
  };
  return (
    <Dialogue opened onClose={onEnd} title={question.title} closeButtonProps={{ "aria-label": t.cancel }}>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          void run();
        }}
      >
        <Stack gap="sm">
          <Text size="sm" component="div" className="app-break">
            {question.text}
          </Text>
          {question.word !== undefined && (
            <TextInput
              label={t.typeToConfirm(question.word)}
              value={typed}
              autoComplete="off"
              onChange={(event) => setTyped(event.currentTarget.value)}
            />
          )}
          {error !== null && <Failure error={error} />}
          <Group justify="flex-end">
            <Button variant="default" onClick={onEnd}>
              {t.cancel}
            </Button>
            <Button
              type="submit"
              data-autofocus
              loading={running}
              color={question.danger === true ? "red" : undefined}
              disabled={question.word !== undefined && typed !== question.word}
            >
              {question.action}
            </Button>
          </Group>
        </Stack>
      </form>
    </Dialogue>
  );
}
