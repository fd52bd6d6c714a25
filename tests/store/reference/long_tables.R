# Makes long_table.csv and long_tables.json: what complete() of R's mice gives, and a pooled regression.
# Run in this folder: Rscript long_tables.R   (mice 3.15.0, jsonlite)
suppressMessages({library(mice); library(jsonlite)})
set.seed(11)
n <- 40
dose <- rnorm(n)
data <- data.frame(
  dose,
  stage = cut(dose + rnorm(n), c(-Inf, -0.4, 0.6, Inf), c("low", "mid", "high"), ordered_result = TRUE),
  site = factor(sample(c("north", "south", "east"), n, TRUE), c("south", "north", "east")),
  smoker = dose + rnorm(n) > 0,
  outcome = 10 + 2 * dose + rnorm(n)
)
for (column in c("stage", "site", "outcome", "dose")) data[sample(n, 8), column] <- NA
imp <- mice(data, m = 4, maxit = 5, seed = 3, printFlag = FALSE)
write.csv(complete(imp, "long", include = TRUE), "long_table.csv", row.names = FALSE)
pooled <- summary(pool(with(imp, lm(outcome ~ dose + site))), conf.int = TRUE)

small <- nhanes[1:4, ]
shape <- function(rows) {
  rownames(small) <- rows
  imp <- suppressWarnings(mice(small, m = 2, maxit = 0, seed = 1, printFlag = FALSE,
                               remove.collinear = FALSE, remove.constant = FALSE, allow.na = TRUE))
  long <- complete(imp, "long", include = TRUE)
  list(rows = rownames(small), columns = names(long), imp = long$.imp, id = long$.id,
       without = nrow(complete(imp, "long")), broad = names(complete(imp, "broad")),
       stacked = dim(complete(imp, "stacked")))
}
write(toJSON(list(
  source = "R 4.2.2, mice 3.15.0: complete(), pool(); made by long_tables.R from data that it simulates.",
  levels = list(stage = levels(data$stage), site = levels(data$site)),
  pooled = list(term = as.character(pooled$term), estimate = pooled$estimate,
                std_error = pooled$std.error, df = pooled$df, ci_low = pooled[["2.5 %"]],
                ci_high = pooled[["97.5 %"]]),
  shapes = list(default = shape(NULL), named = shape(c("b", "a", "d", "c")), numbers = shape(c(7, 3, 9, 1)))
), auto_unbox = TRUE, digits = NA), "long_tables.json")
