# Imputes by R's mice what is asked for on standard input, one request a line, until it ends.
# A request is nine fields with tabs between them: a folder, rows, names, levels, methods, m,
# sweeps, seed and donors. The folder holds the data as doubles, column by column; imputed values
# are written there the same way, one matrix of (cells, m) after the other.
suppressMessages({
  library(mice)
  library(MASS) # polr
  library(nnet) # multinom
})
cat("mice", as.character(packageVersion("mice")), "under R", as.character(getRversion()), "\n")
flush(stdout())

typed <- function(column, levels, method) {
  if (levels == 0) return(column)
  factor(column, levels = seq_len(levels) - 1, ordered = method == "polr")
}

answer <- function(request) {
  split <- function(position) strsplit(request[position], ",", fixed = TRUE)[[1]]
  n <- as.integer(request[2])
  names <- split(3)
  levels <- as.integer(split(4))
  methods <- split(5)
  methods[methods == "none"] <- ""
  path <- file.path(request[1], "data")
  values <- matrix(readBin(path, "double", n * length(names)), n)
  data <- as.data.frame(lapply(seq_along(names), function(j) {
    typed(values[, j], levels[j], methods[j])
  }))
  # Names of our own: mice 3.15 confuses a predictor called y with the target in its polyreg.
  names(data) <- paste0("v", seq_along(names))
  names(methods) <- names(data)
  imputed <- mice(
    data, m = as.integer(request[6]), maxit = as.integer(request[7]), method = methods,
    seed = as.integer(request[8]), donors = as.integer(request[9]), printFlag = FALSE
  )
  output <- file(file.path(request[1], "imputed"), "wb")
  on.exit(close(output))
  for (j in which(colSums(is.na(values)) > 0)) {
    cells <- as.matrix(imputed$imp[[j]])
    writeBin(as.double(cells), output)
  }
}

input <- file("stdin", "r")
repeat {
  line <- readLines(input, 1)
  if (length(line) == 0) break
  said <- tryCatch({
    suppressWarnings(answer(strsplit(line, "\t", fixed = TRUE)[[1]]))
    "done"
  }, error = function(e) gsub("\n", " ", conditionMessage(e)))
  cat(said, "\n", sep = "")
  flush(stdout())
}
