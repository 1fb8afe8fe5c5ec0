-- Tells give_to_owner the statements that list_foreign_objects returned, until the transaction ends. @given text[]. Returns it.
select set_config('batchgen.given', @given::text[]::text, true)
