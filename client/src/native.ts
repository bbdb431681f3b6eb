/** By itself, so that only these two are touched: an `import()` of all of React Native would load all of it. */
export { AppState, Platform } from 'react-native'
