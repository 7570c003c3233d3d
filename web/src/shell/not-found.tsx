import { Button } from "@mantine/core";
import { Link } from "wouter";

import { useStrings } from "#/language/strings";
import { FIRST } from "#/pages/table";
import { Empty } from "#/pieces/empty";

import { strings } from "./strings";

export function NotFound() {
  const t = useStrings(strings);
  return (
    <Empty title={t.notFound} text={t.notFoundHelp} heading={1}>
      <Button component={Link} href={`/${FIRST}`}>
        {t.toDashboard}
      </Button>
    </Empty>
  );
}
