/**
 * The QR code that the API drew. Shown as an image, not as markup: whatever the text holds, an image runs
 * nothing. White behind it because scanners need the contrast in dark mode, too.
 */
export function QrImage({ svg, label }: { svg: string; label: string }) {
  const address = `data:image/svg+xml;utf8,${encodeURIComponent(withNamespace(svg))}`;
  return (
    <img
      src={address}
      alt={label}
      width={176}
      height={176}
      className="mt-2 rounded-lg border border-line bg-white p-2"
    />
  );
}

/** An inline <svg> may leave its namespace out; as a file of its own it must not. */
function withNamespace(svg: string): string {
  return svg.includes("xmlns=") ? svg : svg.replace("<svg", '<svg xmlns="http://www.w3.org/2000/svg"');
}
