-- Whether there is a schema of a name. @schema text. Returns boolean.
select to_regnamespace(quote_ident(@schema)) is not null
