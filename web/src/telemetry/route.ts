import templates from "../../routes.json";

const UNMATCHED = "unmatched";

/** Fixed words before placeholders, so that /people/new is not somebody's page. */
const PATTERNS = [...templates]
  .sort((one, other) => Number(one.includes("[")) - Number(other.includes("[")))
  .map((template) => ({
    template,
    pattern: new RegExp(`^${template.replace(/\[[^\]]+\]/g, "[^/]+")}$`),
  }));

/** The page's template: an address names people, its template does not. */
export function routeOf(pathname: string): string {
  return PATTERNS.find(({ pattern }) => pattern.test(pathname))?.template ?? UNMATCHED;
}
