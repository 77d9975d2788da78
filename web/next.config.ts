import type { NextConfig } from "next";
import createNextIntlPlugin from "next-intl/plugin";

const withIntl = createNextIntlPlugin("./src/i18n/request.ts");

/** Only `next dev` talks to the API through itself; in production the edge sends /api/* to the API directly. */
const developmentApi = process.env.NODE_ENV === "development" ? process.env.HRX_API_URL : undefined;

const config: NextConfig = {
  output: "standalone",
  outputFileTracingRoot: import.meta.dirname,
  turbopack: { root: import.meta.dirname },
  poweredByHeader: false,
  reactStrictMode: true,
  // Images are our own SVG files: the optimizer would only add a native dependency and a cache on disk.
  images: { unoptimized: true },
  // The edge compresses; doing it twice costs CPU and buffers streams.
  compress: false,
  rewrites: async () => [
    // Browsers ask for it by this name whatever the page says.
    { source: "/favicon.ico", destination: "/icon.svg" },
    ...(developmentApi ? [{ source: "/api/:path*", destination: `${developmentApi}/api/:path*` }] : []),
  ],
};

export default withIntl(config);
