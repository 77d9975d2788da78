"use client";

import { useNotedError } from "@/telemetry/use-noted-error";
import "./globals.css";

/** The root layout itself broke, so no catalogue can be trusted: both languages, no dependencies. */
export default function GlobalError({ error, reset }: { error: Error; reset: () => void }) {
  useNotedError(error);
  return (
    <html lang="ja">
      <body>
        <main className="grid min-h-dvh place-items-center px-6 text-center">
          <div>
            <h1 className="font-serif text-xl font-semibold">画面を表示できませんでした</h1>
            <p className="mt-2 text-sm text-soft">
              もう一度お試しください。解消しない場合は管理者にご連絡ください。
            </p>
            <p lang="en" className="mt-4 text-sm text-soft">
              This page could not be shown. Please try again, or tell your administrator.
            </p>
            <button
              type="button"
              onClick={reset}
              className="mt-6 h-10 rounded-lg bg-pine px-4 text-sm font-medium text-on-pine"
            >
              もう一度試す · Try again
            </button>
          </div>
        </main>
      </body>
    </html>
  );
}
