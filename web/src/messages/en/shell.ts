export const common = {
  productTagline: "People and organisation, as they were and as they will be.",
  required: "Required",
  close: "Close",
  cancel: "Cancel",
  save: "Save",
  clear: "Clear the selection",
  clearSearch: "Clear the search",
  loading: "Loading",
  noMatch: "Nothing matches",
  notification: "Notification",
  notifications: "Notifications ({hotkey})",
  language: "Language",
  loadMore: "Show more",
  none: "None",
  total: "{count, plural, one {# entry} other {# entries}}",
} as const;

export const nav = {
  main: "Main menu",
  homeOf: "{product} home",
  home: "Home",
  people: "Directory",
  org: "Org chart",
  orders: "Changes",
  administration: "Administration",
  imports: "Import",
  users: "Users & roles",
  audit: "Audit log",
  account: "Account",
  more: "More",
  menu: "Menu",
  myPage: "My page",
  accountMenu: "Menu of {name}",
  signOut: "Sign out",
  skip: "Skip to content",
} as const;

export const roles = {
  owner: "Owner",
  hr: "HR",
  manager: "Manager",
  employee: "Employee",
  auditor: "Auditor",
} as const;

export const asOf = {
  title: "Which day do you want to see?",
  help: "The directory, the org chart and every person’s page change to that day.",
  control: "Change the date shown",
  today: "Today",
  fiscalYear: "Start of fiscal year",
  yearAgo: "A year ago",
  nextMonth: "Next month (planned)",
  anyDate: "Any date",
  advanced: "As recorded at the time (advanced)",
  knownHelp:
    "Leaves out what was corrected or entered later: only what had been recorded by this moment is shown.",
  knownOn: "Recorded by",
  knownNow: "Back to the latest record",
  show: "Show this day",
  bannerPast: "You are looking at {date}",
  bannerFuture: "You are looking at what is planned for {date}",
  bannerToday: "You are looking at today",
  bannerKnown: "(as recorded by {moment})",
  backToToday: "Back to today",
} as const;

export const live = {
  connecting: "Connecting",
  connectingHelp: "Connecting to live updates",
  live: "Live",
  liveHelp: "Changes by others appear by themselves",
  waiting: "Live updates paused",
  waitingHelp: "Reconnecting to live updates; everything else keeps working",
} as const;

export const errors = {
  offlineTitle: "The server cannot be reached",
  offlineHelp: "Check your network and try again. What you entered is still on this page.",
  offlineNotice: "You are offline. Pages that are already loaded stay readable.",
  unexpectedTitle: "Something went wrong",
  unexpectedHelp: "Please try again in a moment. If it keeps happening, tell your administrator.",
  retry: "Try again",
  correlationId: "Reference",
  copy: "Copy",
  copied: "Copied",
  notFoundTitle: "Page not found",
  notFoundHelp: "The address may have changed, or you may not have permission to see it.",
  forbiddenTitle: "This page is not open to you",
  forbiddenHelp: "If you need it, ask HR or an administrator.",
  backHome: "Back to home",
} as const;

export const auth = {
  title: "Sign in",
  lead: "Use the account that your company gave you.",
  email: "E-mail address",
  password: "Password",
  showPassword: "Show password",
  signIn: "Sign in",
  or: "or",
  withProvider: "Sign in with {name}",
  totpTitle: "Two-step verification",
  totpLead: "Enter the six-digit code that your authenticator app shows.",
  code: "Code",
  verify: "Verify",
  back: "Start over",
  tooMany: "You can try again in {seconds, plural, one {# second} other {# seconds}}.",
  promiseTitle: "Every ring of your company, kept.",
  promise:
    "Posts, second posts, reporting lines: see any past day, or the plan ahead, exactly as it stands on that date.",
  providerFailed: "Signing in with the other account did not finish. Try again, or ask your administrator.",
} as const;
