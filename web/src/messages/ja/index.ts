export * from "./actions";
export * from "./home";
export * from "./orders";
export * from "./org";
export * from "./people";
export * from "./person";
export * from "./shell";
