"""The one way out to language models: every call is bounded in time and money, and leaves a row.

It knows vendors, clocks and budgets. It refuses to know what is asked and why: prompts come from above, tools
are passed through and never run here, and no text of a conversation is kept."""
