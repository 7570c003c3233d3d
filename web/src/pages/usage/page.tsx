import { useStrings } from "#/language/strings";
import { PageHeader } from "#/pieces/page-header";
import { strings } from "#/shell/strings";

export default function Page() {
  const t = useStrings(strings);
  return <PageHeader title={t.pages.usage} />;
}
