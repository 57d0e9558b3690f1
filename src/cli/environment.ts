import { loadEnvFile } from 'node:process'
import { DbdoctorError } from '../contracts/errors.js'

/** Adds the variables of a file to the environment. */
export function loadEnvironment(file: string): void {
  try {
    loadEnvFile(file)
  } catch {
    throw new DbdoctorError('ERR_USAGE', `the environment file ${file} cannot be read`, 'correct --env-file')
  }
}
