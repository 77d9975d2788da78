export * from "./shell";
