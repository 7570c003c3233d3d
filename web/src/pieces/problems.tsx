/** What is wrong with the configuration, under a title of the page's own; nothing where nothing is. */

import { Alert, List } from "@mantine/core";

export function Problems({ title, problems }: { title: string; problems: readonly string[] }) {
  if (problems.length === 0) return null;
  return (
    <Alert color="yellow" title={title} mb="md">
      <List size="sm">
        {problems.map((problem) => (
          <List.Item key={problem} className="app-break">
            {problem}
          </List.Item>
        ))}
      </List>
    </Alert>
  );
}
