-- Stored ratios count restricted objects and withhold no small group: the department's alone, beside the policies of
-- app/accounts/sql/row_scope.sql. Others are answered from the rows themselves (app.sharing.service.sharing_on).
CREATE POLICY department_alone ON registry.sharing_ratio AS RESTRICTIVE FOR SELECT
    USING ((SELECT registry.is_department()));
