/**
 * Names for the shapes that pages use, taken from the addresses that give them: they stay right however the
 * API calls its models.
 */
import type { paths } from "./schema";

type Json<T> = T extends { content: { "application/json": infer Body } } ? Body : never;
type Answer<T> = T extends { responses: infer R }
  ? Json<
      R extends { 200: infer Ok }
        ? Ok
        : R extends { 201: infer Made }
          ? Made
          : R extends { 202: infer Taken }
            ? Taken
            : never
    >
  : never;
type Asked<T> = T extends { requestBody: infer Body }
  ? Json<Body>
  : T extends { requestBody?: infer Body }
    ? Json<NonNullable<Body>>
    : never;

type Get<Path extends keyof paths> = Answer<paths[Path]["get"]>;
type PostBody<Path extends keyof paths> = Asked<paths[Path]["post"]>;
type PutBody<Path extends keyof paths> = Asked<paths[Path]["put"]>;

export type Session = Get<"/api/v1/session">;
export type SignInProvider = Get<"/api/v1/auth/providers">["items"][number];
export type OpenSession = Get<"/api/v1/sessions">["items"][number];
export type TotpStart = Answer<paths["/api/v1/account/totp/start"]["post"]>;

export type PeoplePage = Get<"/api/v1/people">;
export type PersonCard = PeoplePage["items"][number];
export type PeopleQuery = NonNullable<paths["/api/v1/people"]["get"]["parameters"]["query"]>;
export type PersonDetail = Get<"/api/v1/people/{person_id}">;
export type PersonHistory = Get<"/api/v1/people/{person_id}/history">;
export type Assignment = PersonHistory["items"][number];
export type Employment = PersonHistory["employments"][number];
export type PrivateData = NonNullable<PersonDetail["private"]>;

export type HireRequest = PostBody<"/api/v1/people">;
export type TransferRequest = PostBody<"/api/v1/people/{person_id}/transfers">;
export type ConcurrentPostRequest = PostBody<"/api/v1/people/{person_id}/concurrent-posts">;
export type DepartureRequest = PostBody<"/api/v1/people/{person_id}/departures">;
export type RehireRequest = PostBody<"/api/v1/people/{person_id}/rehires">;
export type CorrectionRequest = PostBody<"/api/v1/people/{person_id}/corrections">;
export type NamesRequest = PutBody<"/api/v1/people/{person_id}/names">;
export type PrivateRequest = PutBody<"/api/v1/people/{person_id}/private">;

type TransferAnswer = Answer<paths["/api/v1/people/{person_id}/transfers"]["post"]>;
/** What a dry run gives: assignments before and after, and what to think about. */
export type TransferPreview = Extract<TransferAnswer, { before: unknown }>;

export type ChangeOrderPage = Get<"/api/v1/change-orders">;
export type ChangeOrder = ChangeOrderPage["items"][number];

export type OrgUnit = Get<"/api/v1/org-units">["items"][number];
export type OrgChart = Get<"/api/v1/org-chart">;
export type OrgNode = OrgChart["nodes"][number];
export type OrgPerson = OrgNode["people"][number];
export type Position = Get<"/api/v1/positions">["items"][number];

export type ImportJob = Get<"/api/v1/imports/{import_id}">;
export type ImportColumn = ImportJob["columns"][number];
export type ImportField = Get<"/api/v1/imports/fields">["items"][number];
export type ImportRow = Get<"/api/v1/imports/{import_id}/rows">["items"][number];

export type UserRow = Get<"/api/v1/users">["items"][number];
export type AuditEntry = Get<"/api/v1/audit">["items"][number];
export type AuditVerification = Get<"/api/v1/audit/verify">;
export type CreatedUser = Answer<paths["/api/v1/users"]["post"]>;
export type UserToCreate = PostBody<"/api/v1/users">;
export type RoleName = Session["roles"][number];
export type MappingRequest = PutBody<"/api/v1/imports/{import_id}/mapping">;
export type ImportRowsQuery = NonNullable<
  paths["/api/v1/imports/{import_id}/rows"]["get"]["parameters"]["query"]
>;

export type KeptAnswer = Get<"/api/v1/assistant/conversations/{conversation_id}">["answers"][number];
export type ConversationLine = Get<"/api/v1/assistant/conversations">["items"][number];
export type AnswerMode = KeptAnswer["mode"];
export type Verdict = NonNullable<KeptAnswer["verdict"]>;
export type Citation = KeptAnswer["citations"][number];
export type Sentence = KeptAnswer["sentences"][number];
export type PeopleAnswer = NonNullable<KeptAnswer["people"]>;

export type QuestionSet = Get<"/api/v1/assistant/evaluation/sets">["items"][number];
export type EvaluationFigure = NonNullable<QuestionSet["last"]>["figures"][number];
export type EvaluationQuestion = Get<"/api/v1/assistant/evaluation/shared">["items"][number];
export type EvaluationRun = Get<"/api/v1/assistant/evaluation/runs">["items"][number];
export type WorstQuestion = Get<"/api/v1/assistant/evaluation/runs/{run_id}/worst">["items"][number];
export type SearchWeights = Get<"/api/v1/assistant/evaluation/weights">["items"][number];
export type QuestionToKeep = PutBody<"/api/v1/assistant/evaluation/questions/{question_id}">;

export type DocumentPage = Get<"/api/v1/documents">;
export type DocumentLine = DocumentPage["items"][number];
export type VersionLine = DocumentLine["version"];
export type DocumentKind = DocumentLine["kind"];
export type Audience = DocumentLine["audience"];
export type VersionState = VersionLine["state"];
export type DocumentDetail = Get<"/api/v1/documents/{document_id}">;
export type DocumentVersion = DocumentDetail["versions"][number];
export type DocumentText = Get<"/api/v1/documents/{document_id}/versions/{version_id}/text">;
export type Proposal = Get<"/api/v1/documents/{document_id}/proposals">["items"][number];
export type DocumentSkill =
  Get<"/api/v1/documents/{document_id}/versions/{version_id}/skills">["items"][number];
export type SkillWord = DocumentSkill["reasons"][number];
export type RoleProfile = Get<"/api/v1/role-profiles">["items"][number];
export type RoleMatches = Get<"/api/v1/role-profiles/{role_id}/matches">;
export type RoleCandidate = RoleMatches["items"][number];
export type RoleDescription = PostBody<"/api/v1/role-profiles">;
export type Uploads = Answer<paths["/api/v1/documents"]["post"]>;
