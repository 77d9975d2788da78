export const EMPLOYMENT_KINDS = [
  "regular",
  "fixed_term",
  "part_time",
  "temporary",
  "executive",
  "seconded",
  "other",
] as const;

export const GENDERS = ["female", "male", "other", "undisclosed"] as const;
