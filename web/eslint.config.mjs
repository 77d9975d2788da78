import next from "eslint-config-next/core-web-vitals";
import typescript from "eslint-config-next/typescript";

const config = [
  { ignores: [".next/**", "node_modules/**", "next-env.d.ts", "src/api/schema.d.ts"] },
  ...next,
  ...typescript,
  {
    rules: {
      "@typescript-eslint/no-explicit-any": "error",
      "@typescript-eslint/consistent-type-imports": "error",
      "no-console": "error",
      // Our only image is a data address, and the optimizer is off.
      "@next/next/no-img-element": "off",
      eqeqeq: ["error", "always", { null: "ignore" }],
      "no-restricted-imports": [
        "error",
        {
          paths: [
            { name: "next/link", message: "Use @/shell/link: it carries the date that the reader looks at." },
            { name: "next/font/google", message: "Nothing may be fetched from the network." },
          ],
        },
      ],
    },
  },
  { files: ["src/shell/link.tsx"], rules: { "no-restricted-imports": "off" } },
  { files: ["scripts/**", "server.mjs", "access.mjs", "metrics.mjs"], rules: { "no-console": "off" } },
];

export default config;
