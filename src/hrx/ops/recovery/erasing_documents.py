"""What documents and conversations tell of an erased person: the words go at once, the emptied rows after.

Documents about the person are deleted as in the product, so that its tidying, within the hour, takes their
rows, their part of the search index and their files away; conversations end as old ones do. Answers given to
others lose what they quoted from these documents, and questions that hold an address of the person."""

from __future__ import annotations

from typing import Final

#: What stands in brackets below, beside the parts of `erasing`.
PARTS: Final = {
    "[about person]": "(SELECT d.id FROM app.document AS d"
    " WHERE d.tenant_id = %(tenant)s AND d.person_id = %(person)s)",
    "[by person]": "(SELECT a.id FROM app.answer AS a"
    " JOIN app.conversation AS c ON c.id = a.conversation_id"
    " JOIN app.user_account AS u ON u.id = c.user_id"
    " WHERE a.tenant_id = %(tenant)s AND u.tenant_id = %(tenant)s AND u.person_id = %(person)s)",
    "[body tells]": "EXISTS (SELECT FROM unnest(%(marks)s::text[]) AS m WHERE strpos(body, m) > 0)",
    "[by user]": "(SELECT u.id FROM app.user_account AS u"
    " WHERE u.tenant_id = %(tenant)s AND u.person_id = %(person)s)",
    "[asked tells]": "EXISTS (SELECT FROM unnest(%(marks)s::text[]) AS m WHERE strpos(question, m) > 0)",
    "[role tells]": "EXISTS (SELECT FROM unnest(%(marks)s::text[]) AS m"
    " WHERE strpos(concat(title, description), m) > 0)",
    "[question tells]": "EXISTS (SELECT FROM unnest(%(marks)s::text[]) AS m"
    " WHERE strpos(concat(question, intent, verdict_reason), m) > 0)",
}
STATEMENTS: Final = (
    (
        "app.answer_citation",
        "UPDATE app.answer_citation SET headings = '{}' WHERE tenant_id = %(tenant)s"
        " AND document_id IN [about person] AND headings <> '{}'",
    ),
    (
        "app.answer_sentence",
        "UPDATE app.answer_sentence SET body = %(nobody)s WHERE tenant_id = %(tenant)s AND body <> %(nobody)s"
        " AND (document_ids && ARRAY[about person]::bigint[] OR answer_id IN [by person]"
        " OR [body tells])",
    ),
    (
        "app.answer",
        "UPDATE app.answer SET question = %(nobody)s, intent = NULL, verdict_reason = NULL"
        " WHERE tenant_id = %(tenant)s AND question <> %(nobody)s AND (id IN [by person]"
        " OR [question tells])",
    ),
    ("app.conversation", "UPDATE app.conversation SET last_asked_at = 'epoch' [of users]"),
    (
        "app.document_proposal",
        "UPDATE app.document_proposal SET value = %(nobody)s WHERE tenant_id = %(tenant)s"
        " AND (person_id = %(person)s OR document_id IN [about person])",
    ),
    (
        "app.document_passage",
        "UPDATE app.document_passage SET body = '', headings = '{}' WHERE tenant_id = %(tenant)s"
        " AND document_id IN [about person]",
    ),
    (
        "app.document_text",
        "UPDATE app.document_text SET body = '' WHERE tenant_id = %(tenant)s"
        " AND document_id IN [about person]",
    ),
    (
        "app.document_version",
        "UPDATE app.document_version SET file_name = %(nobody)s, warnings = '[]', problem = NULL"
        " WHERE tenant_id = %(tenant)s AND document_id IN [about person]",
    ),
    (
        "app.document",
        "UPDATE app.document SET title = %(nobody)s, source_path = NULL,"
        " deleted_at = coalesce(deleted_at, now()) [of person]",
    ),
)
#: Of copies since migration 0016.
QUESTION_STATEMENTS: Final = (
    (
        "app.evaluation_expectation",
        "UPDATE app.evaluation_expectation SET quote = '' WHERE tenant_id = %(tenant)s AND quote <> ''"
        " AND document_id IN [about person]",
    ),
    # What they shared, and what tells of them, is asked no more; what they wrote for HR stays without a name.
    (
        "app.evaluation_question",
        "UPDATE app.evaluation_question SET question = %(nobody)s || ' ' || id, state = 'retired',"
        " created_by = NULL, verdict = NULL WHERE tenant_id = %(tenant)s"
        " AND question <> %(nobody)s || ' ' || id"
        " AND ((source = 'feedback' AND created_by IN [by user]) OR [asked tells])",
    ),
    (
        "app.evaluation_question",
        "UPDATE app.evaluation_question SET created_by = NULL WHERE tenant_id = %(tenant)s"
        " AND created_by IN [by user]",
    ),
    (
        "app.question_set",
        "UPDATE app.question_set SET created_by = NULL WHERE tenant_id = %(tenant)s"
        " AND created_by IN [by user]",
    ),
)
#: Of copies since migration 0020. What was said of their résumés goes; a role that they described stays
#: without them, and without its text where that tells of them.
SCORE_STATEMENTS: Final = (
    (
        "app.model_score",
        "UPDATE app.model_score SET score = 0, reasons = '[]' WHERE tenant_id = %(tenant)s"
        " AND document_id IN [about person]",
    ),
    (
        "app.role_profile",
        "UPDATE app.role_profile SET title = %(nobody)s, description = '' WHERE tenant_id = %(tenant)s"
        " AND [role tells]",
    ),
    (
        "app.role_profile",
        "UPDATE app.role_profile SET created_by = NULL WHERE tenant_id = %(tenant)s"
        " AND created_by IN [by user]",
    ),
)
IS_READABLE: Final = (
    "SELECT EXISTS (SELECT FROM app.document WHERE tenant_id = %(tenant)s AND person_id = %(person)s"
    " AND deleted_at IS NULL)"
)
FILES: Final = """
SELECT v.file_key FROM app.document_version AS v
WHERE v.tenant_id = %(tenant)s AND v.file_key IS NOT NULL AND v.document_id IN [about person]
"""
