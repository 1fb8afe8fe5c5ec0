-- Lets a transaction make functions that call each other and the views in any order: their bodies are not looked at. No parameters. Returns
-- the setting.
select set_config('check_function_bodies', 'off', true)
