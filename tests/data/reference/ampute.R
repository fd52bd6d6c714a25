# Makes ampute.json: defaults, scores and shares of holes of R's ampute.
# Run in this folder: Rscript ampute.R   (mice 3.15.0, jsonlite; a minute)
suppressMessages({library(mice); library(jsonlite)})
set.seed(20180) # any: what is stored of draws is compared within their sampling error

# What R fills in for two to five columns.
defaults <- lapply(2:5, function(n) {
  data <- as.data.frame(matrix(rnorm(40 * n), 40))
  of <- function(mech) {
    made <- suppressWarnings(ampute(data, mech = mech, run = FALSE))
    list(patterns = unname(as.matrix(made$patterns)), weights = unname(as.matrix(made$weights)),
         freq = made$freq, type = made$type, prop = made$prop)
  }
  list(n = n, MAR = of("MAR"), MNAR = of("MNAR"), odds = mice:::ampute.default.odds(diag(n)))
})

# Scores, given the pattern that each row was assigned to.
small <- data.frame(a = rnorm(24), b = rexp(24), c = 10 + 3 * rnorm(24))
patterns <- rbind(c(0, 1, 1), c(1, 0, 0), c(0, 1, 0))
score_case <- function(mech, weights, std) {
  made <- suppressWarnings(ampute(small, patterns = patterns, mech = mech, weights = weights, std = std))
  scores <- rep(NA_real_, nrow(small))
  for (i in seq_len(nrow(patterns))) if (any(made$cand == i)) scores[made$cand == i] <- made$scores[[i]]
  list(mech = mech, weights = unname(as.matrix(made$weights)), standardize = std,
       pattern = made$cand - 1, scores = scores)
}
own <- rbind(c(0, 2, -1), c(0.5, 0, 0), c(0, 1, 0))
scores <- list(score_case("MAR", NULL, TRUE), score_case("MAR", own, TRUE), score_case("MAR", own, FALSE),
               score_case("MNAR", NULL, TRUE), score_case("MNAR", rbind(c(1, 2, 3), c(-1, 0, 2), c(0, 1, 1)), FALSE))

# Shares of holes in tenths of the scores, which are the quantiles of a normal distribution.
n <- 1000; runs <- 200
grid <- data.frame(y = 0, x = qnorm((seq_len(n) - 0.5) / n)); grid$y <- grid$x
tenth <- rep(1:10, each = n / 10)
shares <- function(...) {
  holes <- numeric(10)
  for (run in seq_len(runs)) {
    made <- suppressWarnings(ampute(grid, patterns = c(0, 1), ...))
    holes <- holes + as.vector(tapply(is.na(made$amp$y), tenth, sum))
  }
  as.integer(holes)
}
curves <- list()
for (type in c("RIGHT", "LEFT", "MID", "TAIL")) for (prop in c(0.1, 0.5, 0.8)) {
  curves <- c(curves, list(list(type = type, proportion = prop, holes = shares(prop = prop, type = type))))
}
groups <- list()
for (odds in list(c(1, 2, 3, 4), c(3, 1), c(1, 0, 0, 1, 0.5))) {
  groups <- c(groups, list(list(odds = I(odds), proportion = 0.2,
                                holes = shares(prop = 0.2, cont = FALSE, odds = matrix(odds, 1)))))
}
cells <- function(prop, patterns, freq) {
  made <- suppressWarnings(ampute(small, prop = prop, patterns = patterns, freq = freq, bycases = FALSE, run = FALSE))
  list(proportion = prop, patterns = patterns, frequencies = freq, rows = made$prop)
}
one <- function(prop, patterns, freq) {
  made <- suppressWarnings(ampute(small, prop = prop, patterns = patterns, freq = freq, run = FALSE))
  list(proportion = prop, patterns = patterns, frequencies = freq, rows = made$prop, kept = made$freq)
}
write(toJSON(list(
  source = "R 4.2.2, mice 3.15.0: ampute; made by ampute.R. Patterns counted from 0; holes are counts over 'rows_per_tenth' rows.",
  defaults = defaults,
  small = as.list(small), patterns = patterns, scores = scores,
  rows_per_tenth = n / 10 * runs, curves = curves, groups = groups,
  cells = list(cells(0.2, diag(3) * -1 + 1, c(0.5, 0.3, 0.2)), cells(0.3, rbind(c(0, 0, 1), c(1, 0, 0)), c(1, 3))),
  keeping_all = list(one(0.6, rbind(c(0, 1, 1), c(1, 1, 1), c(1, 0, 0)), c(0.5, 0.2, 0.3)))
), auto_unbox = TRUE, digits = NA, na = "null"), "ampute.json")
