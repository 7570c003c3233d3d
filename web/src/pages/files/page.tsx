/** The files of the configuration: masked, downloadable, and deletable where nothing needs them. */

import { Badge, Button, Group, TextInput, UnstyledButton } from "@mantine/core";
import { IconDownload } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";

import { addressOf, call } from "#/api/client";
import { useEventListener } from "#/api/events";
import type { FileShown } from "#/api/types";
import { UNKNOWN, useFormat } from "#/format/format";
import { useStrings } from "#/language/strings";
import { useAddressValues } from "#/pieces/address-values";
import { DataTable, type Column } from "#/pieces/data-table";
import { Empty } from "#/pieces/empty";
import { Loaded } from "#/pieces/loaded";
import { PageHeader } from "#/pieces/page-header";
import { reported } from "#/pieces/report";
import { Time } from "#/pieces/time";
import { tellDeleted } from "#/pieces/undo";
import { strings as shell } from "#/shell/strings";

import { FilePanel } from "./file-panel";
import { strings } from "./strings";

const CHANGES = ["config_update", "oauth_success"];

export default function FilesPage() {
  const t = useStrings(strings);
  const names = useStrings(shell);
  const [search, set] = useAddressValues();
  const query = useQuery({ queryKey: ["files"], queryFn: ({ signal }) => call("GET /api/upload-configs", { signal }) });
  useEventListener(CHANGES, () => void query.refetch());
  const text = search.get("q") ?? "";
  const sweep = async () => {
    const { deletedCount, failedFiles, undo } = await call("DELETE /api/upload-configs/delete-unbound");
    tellDeleted([t.removedMany(deletedCount), ...failedFiles.map(t.stayed)].join(" "), undo, query.refetch);
    await query.refetch();
  };
  return (
    <>
      <PageHeader title={names.pages.files} text={t.text}>
        <Button
          variant="default"
          title={t.removeUnboundText}
          onClick={() => void reported(sweep())}
        >
          {t.removeUnbound}
        </Button>
        <Button
          component="a"
          href={addressOf("GET /api/upload-configs/download-all")}
          download
          leftSection={<IconDownload size={16} aria-hidden />}
        >
          {t.downloadAll}
        </Button>
      </PageHeader>
      <Loaded query={query} height={240}>
        {(files) => (
          <>
            {files.length === 0 ? (
              <Empty title={t.empty} text={t.emptyText} />
            ) : (
              <>
                <Group mb="sm">
                  <TextInput label={t.search} value={text} onChange={(event) => set("q", event.currentTarget.value)} w={{ base: "100%", xs: 320 }} />
                </Group>
                <Files files={files.filter((file) => `${file.path} ${file.type}`.toLowerCase().includes(text.toLowerCase()))} onOpen={(path) => set("file", path)} />
              </>
            )}
            <Chosen files={files} path={search.get("file")} onClose={() => set("file", "")} />
          </>
        )}
      </Loaded>
    </>
  );
}

function Chosen({ files, path, onClose }: { files: readonly FileShown[]; path: string | null; onClose: () => void }) {
  const file = files.find((one) => one.path === path);
  return file === undefined ? null : <FilePanel key={file.path} file={file} onClose={onClose} />;
}

function Files({ files, onOpen }: { files: readonly FileShown[]; onOpen: (path: string) => void }) {
  const t = useStrings(strings);
  const names = useStrings(shell);
  const format = useFormat();
  const columns: Column<FileShown>[] = [
    {
      key: "name",
      header: t.name,
      width: "minmax(180px, 2fr)",
      order: (file) => file.path,
      cell: (file) => (
        <UnstyledButton fz="sm" className="app-mono app-clip" w="100%" aria-label={t.open(file.path)} onClick={() => onOpen(file.path)}>
          {file.path}
        </UnstyledButton>
      ),
    },
    { key: "type", header: t.type, width: "minmax(90px, 130px)", wideOnly: true, order: (file) => file.type, cell: (file) => file.type },
    { key: "use", header: t.use, width: "100px", order: (file) => Number(file.isUsed), cell: (file) => <Use file={file} /> },
    { key: "size", header: t.size, width: "92px", align: "right", wideOnly: true, order: (file) => file.size, cell: (file) => format.bytes(file.size) },
    { key: "modified", header: t.modified, width: "120px", wideOnly: true, order: (file) => file.modified, cell: (file) => <Time at={file.modified} /> },
    { key: "expires", header: t.expires, width: "120px", wideOnly: true, order: (file) => file.expiresAt, cell: (file) => <Time at={file.expiresAt} /> },
  ];
  return (
    <DataTable
      label={names.pages.files}
      columns={columns}
      rows={files}
      rowKey={(file) => file.path}
      onRowClick={(file) => onOpen(file.path)}
      empty={<Empty title={t.noMatch} />}
    />
  );
}

function Use({ file }: { file: FileShown }) {
  const t = useStrings(strings);
  if (!file.isValid) return <Badge color="red">{t.invalid}</Badge>;
  // The server's own files are named by nobody and needed all the same.
  if (file.provider === null && !file.isUsed) return UNKNOWN;
  return file.isUsed ? <Badge color="green">{t.used}</Badge> : <Badge color="gray">{t.unused}</Badge>;
}
