-- Frozen ratios count restricted objects and withhold no small group: the department's alone, who adds them by the
-- policies of app/accounts/sql/row_scope.sql. Others are answered from the rows themselves
-- (app.sharing.service.sharing_on). Nobody changes one: a trigger refuses, and migrations/grants.sql grants no UPDATE.
CREATE POLICY reads ON registry.sharing_snapshot FOR SELECT USING ((SELECT registry.is_department()));
