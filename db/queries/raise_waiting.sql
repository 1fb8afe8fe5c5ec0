-- Gives waiting jobs of a signature another priority. @model text, @signature text, @from_priority int, @to_priority int, @limit int. Returns how many.
select raise_waiting(@model, @signature, @from_priority, @to_priority, @limit)
