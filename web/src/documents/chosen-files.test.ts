import { describe, expect, it } from "vitest";
import { addFiles, LARGEST_BYTES, sizeText } from "./chosen-files";

const file = (path: string, size = 10) => {
  const made = new File(["x"], path.split("/").at(-1) ?? "");
  Object.defineProperty(made, "size", { value: size });
  return { path, file: made };
};

describe("files chosen for an upload", () => {
  it("say what is wrong with them before they are sent", () => {
    const { files } = addFiles(
      [],
      [
        file("規程/就業規則.PDF"),
        file("規程/賃金.doc"),
        file("規程/図面.dwg"),
        file("規程/README"),
        file("規程/空.txt", 0),
        file("規程/全部.zip", LARGEST_BYTES + 1),
      ],
    );
    expect(files.map((one) => one.problem)).toEqual([null, "oldOffice", "kind", "kind", "empty", "tooLarge"]);
  });

  it("leave out what systems put into folders, and what is there already", () => {
    const first = addFiles(
      [],
      [file("a/x.pdf"), file("a/.DS_Store"), file("a/Thumbs.db"), file("a/~$x.docx")],
    );
    expect(first.files.map((one) => one.path)).toEqual(["a/x.pdf"]);
    expect(first.skipped).toBe(3);
    const second = addFiles(first.files, [file("a/x.pdf"), file("b/x.pdf")]);
    expect(second.files.map((one) => one.path)).toEqual(["a/x.pdf", "b/x.pdf"]);
    expect(second.skipped).toBe(1);
  });

  it("are measured as file managers do", () => {
    expect([800, 1536, 20_480, 5 * 1024 * 1024].map(sizeText)).toEqual([
      "800 B",
      "1.5 KB",
      "20 KB",
      "5.0 MB",
    ]);
  });
});
