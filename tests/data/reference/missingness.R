# Makes missingness.json: what R's md.pattern, md.pairs and flux say of data sets.
# Run in this folder: Rscript missingness.R   (mice 3.15.0, jsonlite)
suppressMessages({library(mice); library(jsonlite)})
whiteside <- MASS::whiteside
mixed <- data.frame(
  a = c(1, NA, 3, NA, 5, 6, 7), never = NA_real_, b = c("u", "v", NA, NA, "w", "u", "v"),
  whole = 1:7, c = c(NA, 2.5, 1.5, NA, NA, 0.5, 3.5)
)
one_row <- data.frame(a = NA_real_, b = 2, c = NA_real_)

table_of_r <- function(data) {
  r <- suppressWarnings({capture.output(r <- md.pattern(data, plot = FALSE)); r})
  k <- nrow(r) - 1; p <- ncol(r) - 1
  list(columns = I(colnames(r)[1:p]), missing_in_columns = I(unname(r[k + 1, 1:p])),
       cells = unname(r[k + 1, p + 1]), patterns = matrix(unname(r[1:k, 1:p]), k),
       rows = I(as.integer(rownames(r)[1:k])), missing_in_patterns = I(unname(r[1:k, p + 1])))
}
text <- function(x) ifelse(is.nan(x), "NaN", x)  # JSON has no word for it
of <- function(data) {
  pairs <- lapply(md.pairs(data), unname)
  numbers <- flux(data)
  list(pattern = table_of_r(data), pairs = pairs, flux = lapply(as.list(numbers), text))
}
as_list <- function(data) lapply(as.list(data), function(x) if (is.factor(x)) as.character(x) else x)
bundled <- list(nhanes = nhanes, nhanes2 = nhanes2, airquality = airquality,
                mammalsleep = mammalsleep, whiteside = whiteside)
own <- list(mixed = mixed, `one row` = one_row)
write(toJSON(list(
  source = "R 4.2.2, mice 3.15.0: md.pattern, md.pairs, flux; made by missingness.R. Matrices by rows.",
  data = lapply(own, as_list),
  results = lapply(c(bundled, own), of)
), auto_unbox = TRUE, digits = NA, na = "null"), "missingness.json")
