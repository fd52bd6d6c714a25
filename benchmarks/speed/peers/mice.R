# R's mice: Rscript mice.R METHODS TASK ...
# METHODS is "drawn" (norm, logreg, polr, polyreg) or "default" (pmm, logreg, polr, polyreg).
# TASK is versions; whole FOLDER M SWEEPS; later FOLDER M SHORTER LONGER; series FOLDER M SWEEPS; or
# boys FOLDER, which writes that data set. Folders are as speed/datafiles.py writes them.
arguments <- commandArgs(trailingOnly = TRUE)
suppressMessages(library(mice))

describe <- function(data) {
  kind <- function(x) if (!is.factor(x)) "number" else if (is.ordered(x)) "ordinal" else "nominal"
  data.frame(names(data), vapply(data, kind, ""), vapply(data, nlevels, 1L))
}

read_folder <- function(folder) {
  columns <- read.delim(file.path(folder, "columns.tsv"), header = FALSE, quote = "")
  path <- file.path(folder, "values")
  values <- matrix(readBin(path, "double", file.size(path) / 8), ncol = nrow(columns))
  data <- as.data.frame(values)
  names(data) <- columns[[1]]
  for (j in which(columns[[3]] > 0)) {
    levels <- seq_len(columns[[3]][j]) - 1
    data[[j]] <- factor(data[[j]], levels, ordered = columns[[2]][j] == "ordinal")
  }
  data
}

choose_methods <- function(words) {
  c(if (words == "drawn") "norm" else "pmm", "logreg", "polyreg", "polr")
}

impute <- function(data, m, sweeps) {
  mice(data, m = m, maxit = sweeps, defaultMethod = methods, printFlag = FALSE)
}

elapsed <- function(data, m, sweeps) system.time(impute(data, m, sweeps))[["elapsed"]]

quantities <- function(completed) {
  first <- completed[[1]]
  design <- cbind(1, as.matrix(completed[-1]))
  c(mean(first), lm.fit(design, first)$coefficients[[2]])
}

as_rows <- function(chains) {
  rows <- apply(chains, 1, function(one) paste0("[", paste(one, collapse = ","), "]"))
  paste0("[", paste(rows, collapse = ","), "]")
}

methods <- choose_methods(arguments[1])
numbers <- as.integer(arguments[-(1:3)])
task <- arguments[2]
if (task == "versions") {
  cat(sprintf(
    '{"mice": "%s", "R": "%s", "BLAS": "%s"}\n',
    packageVersion("mice"), getRversion(), basename(extSoftVersion()[["BLAS"]])
  ))
} else if (task == "boys") {
  write.table(describe(boys), file.path(arguments[3], "columns.tsv"),
    sep = "\t", quote = FALSE, row.names = FALSE, col.names = FALSE)
  codes <- vapply(boys, function(x) as.double(x) - is.factor(x), double(nrow(boys)))
  codes[is.na(codes)] <- NaN
  writeBin(as.vector(codes), file.path(arguments[3], "values"))
} else {
  data <- read_folder(arguments[3])
  if (task == "whole") {
    invisible(impute(data, numbers[1], numbers[2]))
  } else if (task == "later") {
    short <- elapsed(data, numbers[1], numbers[2])
    long <- elapsed(data, numbers[1], numbers[3])
    cat(sprintf('{"per_sweep": [%.6f]}\n', (long - short) / (numbers[3] - numbers[2])))
  } else {
    imputed <- impute(data, numbers[1], 1)
    followed <- array(dim = c(2, numbers[1], numbers[2]))
    for (sweep in seq_len(numbers[2])) {
      if (sweep > 1) imputed <- mice.mids(imputed, maxit = 1, printFlag = FALSE)
      for (i in seq_len(numbers[1])) followed[, i, sweep] <- quantities(complete(imputed, i))
    }
    cat(sprintf('{"mean of x0": %s, "slope of x1 in x0 ~ all others": %s}\n',
      as_rows(followed[1, , ]), as_rows(followed[2, , ])))
  }
}
