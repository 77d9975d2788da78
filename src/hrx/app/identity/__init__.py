"""Who is who: accounts and roles, sign-in by password, second factor or OIDC, sessions and their end."""
