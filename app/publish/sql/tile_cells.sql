-- Counts of points in the 32-pixel cells of a 512-pixel tile, drawn at the mean position of each cell's points.
-- Cells are half open and belong to one tile, so the counts of a zoom level add up to the number of points.
DROP FUNCTION IF EXISTS publish.tile_cells;
CREATE FUNCTION publish.tile_cells(z int, x int, y int, points geometry[], flags boolean[])
RETURNS TABLE (count int, synthetic boolean, shape geometry) LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    WITH point AS (
        SELECT (ST_X(p) + 180) / 360 * 2 ^ z - x AS across,
               (1 - ln(tan(pi() / 4 + radians(ST_Y(p)) / 2)) / pi()) / 2 * 2 ^ z - y AS down, flag
        FROM unnest(points, flags) AS given(p, flag)
    )
    SELECT count(*)::int, bool_or(flag), ST_Point(round(avg(across) * 4096), round(avg(down) * 4096))
    FROM point
    WHERE across >= 0 AND across < 1 AND down >= 0 AND down < 1
    GROUP BY floor(across * 16), floor(down * 16)
$$;
