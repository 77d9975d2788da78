/** Files chosen for an upload: which are worth sending, and what is wrong with the others before they are sent. */

export type FileProblem = "empty" | "tooLarge" | "oldOffice" | "kind";

export interface ChosenFile {
  /** Where it lay in its folder; its name for a single file. */
  readonly path: string;
  readonly file: File;
  readonly problem: FileProblem | null;
}

export const READABLE = [
  "pdf",
  "docx",
  "xlsx",
  "pptx",
  "txt",
  "md",
  "html",
  "htm",
  "csv",
  "tsv",
  "docm",
  "xlsm",
  "pptm",
  "zip",
] as const;
const OLD_OFFICE = ["doc", "xls", "ppt"];
/** What systems leave in folders, and nobody means to upload. */
const LITTER = /(^|\/)(\.[^/]*|Thumbs\.db|desktop\.ini|__MACOSX\/.*|~\$[^/]*)$/i;

/** The server's own limit; larger bodies would be refused at its door after a long upload. */
export const LARGEST_BYTES = 100 * 1024 * 1024;

function problemOf(file: File): FileProblem | null {
  const extension = /\.([^./]+)$/.exec(file.name.toLowerCase())?.[1] ?? "";
  if (OLD_OFFICE.includes(extension)) return "oldOffice";
  if (!READABLE.some((one) => one === extension)) return "kind";
  if (file.size === 0) return "empty";
  return file.size > LARGEST_BYTES ? "tooLarge" : null;
}

interface Choice {
  readonly files: readonly ChosenFile[];
  /** How many were left out as litter or because they are there already. */
  readonly skipped: number;
}

/** `files` with what was added; the same place is not taken twice. */
export function addFiles(
  files: readonly ChosenFile[],
  added: readonly { path: string; file: File }[],
): Choice {
  const known = new Set(files.map((one) => one.path));
  const fresh = added.filter(({ path }) => {
    if (LITTER.test(path) || known.has(path)) return false;
    known.add(path);
    return true;
  });
  return {
    files: [...files, ...fresh.map((one) => ({ ...one, problem: problemOf(one.file) }))],
    skipped: added.length - fresh.length,
  };
}

/** Files of a file box; one that chose a folder knows their places in it. */
export function filesOf(list: FileList | null): { path: string; file: File }[] {
  return [...(list ?? [])].map((file) => ({ path: file.webkitRelativePath || file.name, file }));
}

/** Everything that was dropped, folders opened. Must be called while the drop is handled. */
export async function droppedFiles(transfer: DataTransfer): Promise<{ path: string; file: File }[]> {
  const entries = [...transfer.items]
    .map((item) => item.webkitGetAsEntry())
    .filter((entry) => entry !== null);
  if (!entries.length) return filesOf(transfer.files);
  return (await Promise.all(entries.map(openEntry))).flat();
}

async function openEntry(entry: FileSystemEntry): Promise<{ path: string; file: File }[]> {
  const path = entry.fullPath.replace(/^\//, "");
  if (entry.isFile) {
    const file = await new Promise<File>((give, refuse) => (entry as FileSystemFileEntry).file(give, refuse));
    return [{ path, file }];
  }
  const reader = (entry as FileSystemDirectoryEntry).createReader();
  const inside: FileSystemEntry[] = [];
  // A browser gives at most a hundred at a time.
  for (;;) {
    const some = await new Promise<FileSystemEntry[]>((give, refuse) => reader.readEntries(give, refuse));
    if (!some.length) break;
    inside.push(...some);
  }
  return (await Promise.all(inside.map(openEntry))).flat();
}

/** "1.2 MB": in thousands of 1024, as file managers count. */
export function sizeText(bytes: number): string {
  if (bytes < 1024) return `${bytes} B`;
  const kib = bytes / 1024;
  if (kib < 1024) return `${kib < 10 ? kib.toFixed(1) : Math.round(kib)} KB`;
  const mib = kib / 1024;
  return `${mib < 10 ? mib.toFixed(1) : Math.round(mib)} MB`;
}
