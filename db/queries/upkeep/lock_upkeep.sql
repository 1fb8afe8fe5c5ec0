-- One at a time, until the transaction ends: false when another has it. @what text (retention or reindex). Returns boolean.
select try_lock(@what)
