-- Tells create_restored_role the role. @role text (JSON: name, can_login, password, member_of, settings). Returns nothing of use.
select set_config('batchgen.role', @role, true) is not null
